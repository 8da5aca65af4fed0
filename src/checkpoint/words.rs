//! The words of a vocabulary, one on each line.

use core::{cmp::Ordering, mem};

use crate::error::CheckpointError;

/// Where a line starts, as a little-endian u64.
type Start = [u8; 8];

/// V lines, or nothing.
pub(super) fn check(words: &str, v: usize) -> Result<(), CheckpointError> {
    let lines = words.bytes().filter(|&byte| byte == b'\n').count();
    if words.is_empty() || (words.ends_with('\n') && lines == v) { Ok(()) } else { Err(CheckpointError::Words) }
}

/// No line is there twice. Sorts as many as `scratch` has room for, 8 bytes each, looks for equal ones among them and
/// for each later line in them, and goes on behind them.
pub(super) fn check_different(words: &str, scratch: &mut [u8]) -> Result<(), CheckpointError> {
    let given = scratch.len();
    let (starts, _) = scratch.as_chunks_mut();
    if starts.is_empty() {
        return Err(CheckpointError::BufferLength { needed: size_of::<Start>(), given });
    }
    let mut second = None;
    let mut lines = lines(words);
    let words = words.as_bytes();
    loop {
        let mut count = 0;
        for (to, line) in starts.iter_mut().zip(&mut lines) {
            *to = line;
            count += 1;
        }
        let (starts, _) = starts.split_at_mut_checked(count).unwrap_or_default();
        if starts.is_empty() {
            break;
        }
        sort(starts, &|a, b| compare(words, a, b).then(position(a).cmp(&position(b))));
        let pairs = starts.windows(2).filter_map(|pair| match pair {
            [a, b] if compare(words, a, b).is_eq() => Some(position(b)),
            _ => None,
        });
        let known = |line: &Start| starts.binary_search_by(|start| compare(words, start, line)).is_ok();
        let later = lines.clone().find(known).as_ref().map(position);
        // one behind the first that was found names a later word
        second = pairs.chain(later).chain(second).min();
    }
    let Some(second) = second else { return Ok(()) };
    let id = words.iter().take(second).filter(|&&byte| byte == b'\n').count() as u32;
    Err(CheckpointError::DuplicateWord { id })
}

/// Where each line starts. Each is ended by a newline.
fn lines(words: &str) -> impl Iterator<Item = Start> + Clone {
    let ends = words.bytes().enumerate().filter(|&(_, byte)| byte == b'\n');
    let starts = [0].into_iter().chain(ends.clone().map(|(at, _)| at as u64 + 1));
    starts.zip(ends).map(|(start, _)| start.to_le_bytes())
}

fn position(start: &Start) -> usize {
    u64::from_le_bytes(*start) as usize
}

/// Compares two lines with the newline that ends each.
fn compare(words: &[u8], a: &Start, b: &Start) -> Ordering {
    let line = |start| words.get(position(start)..).unwrap_or(&[]);
    for (x, y) in line(a).iter().zip(line(b)) {
        if x != y || *x == b'\n' {
            return x.cmp(y);
        }
    }
    Ordering::Equal
}

/// Heapsort: in place, O(n log n) for any input, and nothing in it can panic.
pub(super) fn sort<T>(items: &mut [T], compare: &dyn Fn(&T, &T) -> Ordering) {
    let is_less = |items: &[T], a: usize, b: usize| match (items.get(a), items.get(b)) {
        (Some(a), Some(b)) => compare(a, b).is_lt(),
        _ => false,
    };
    let len = items.len();
    // first each parent from the last one on sinks, then the largest goes to the end and what was there sinks
    for step in (0..len + len / 2).rev() {
        let (mut parent, end) = if step >= len { (step - len, len) } else { (0, step) };
        if step < len {
            swap(items, 0, step);
        }
        loop {
            let left = 2 * parent + 1;
            let child = if left + 1 < end && is_less(items, left, left + 1) { left + 1 } else { left };
            if child >= end || !is_less(items, parent, child) {
                break;
            }
            swap(items, parent, child);
            parent = child;
        }
    }
}

fn swap<T>(items: &mut [T], a: usize, b: usize) {
    if let Ok([a, b]) = items.get_disjoint_mut([a, b]) {
        mem::swap(a, b);
    }
}

#[cfg(test)]
mod tests;
