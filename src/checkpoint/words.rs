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

/// No line is there twice. Sorts them in `scratch`, 8 bytes for each: the room of a file is enough, where a word has a
/// row of embed.W, a column of affine.W and an element of affine.b, which are 12 bytes or more.
pub(super) fn check_different(words: &str, scratch: &mut [u8]) -> Result<(), CheckpointError> {
    let (starts, _) = scratch.as_chunks_mut();
    let (mut start, mut count) = (0_u64, 0);
    for (to, line) in starts.iter_mut().zip(words.split_inclusive('\n')) {
        *to = start.to_le_bytes();
        start += line.len() as u64;
        count += 1;
    }
    let (starts, _) = starts.split_at_mut_checked(count).unwrap_or_default();
    let words = words.as_bytes();
    sort(starts, &|a, b| compare(words, a, b).then(position(a).cmp(&position(b))));
    let equal = starts.windows(2).filter_map(|pair| match pair {
        [a, b] if compare(words, a, b).is_eq() => Some(position(b)),
        _ => None,
    });
    let Some(second) = equal.min() else { return Ok(()) };
    let id = words.iter().take(second).filter(|&&byte| byte == b'\n').count() as u32;
    Err(CheckpointError::DuplicateWord { id })
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
fn sort(items: &mut [Start], compare: &dyn Fn(&Start, &Start) -> Ordering) {
    let is_less = |items: &[Start], a: usize, b: usize| match (items.get(a), items.get(b)) {
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

fn swap(items: &mut [Start], a: usize, b: usize) {
    if let Ok([a, b]) = items.get_disjoint_mut([a, b]) {
        mem::swap(a, b);
    }
}

#[cfg(test)]
mod tests;
