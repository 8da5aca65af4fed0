//! Which tensors a file holds, in which order, of which type and shape.

use super::training;
use crate::{config::Sizes, error::CheckpointError, layers::cell::Layer};

/// The six weights, then what a complete file adds.
pub(super) const COUNT: usize = 10;
/// How many of them are weights, and how many hold f32.
pub(super) const WEIGHTS: usize = 6;
pub(super) const FLOATS: usize = 7;
pub(super) const STATE: usize = 6;
pub(super) const VOCABULARY: usize = 7;
pub(super) const TRAINING: usize = 8;
pub(super) const CRC: usize = 9;
pub(super) const CRC_LEN: usize = 4;

/// The name of each.
pub(super) type Names = [&'static str; COUNT];

/// The names of all in the file of a cell.
pub(super) const fn names<C: Layer>() -> &'static Names {
    struct Of<C>(C);
    impl<C: Layer> Of<C> {
        const NAMES: Names = {
            let [embed_w, wx, wh, b, affine_w, affine_b] = C::NAMES;
            let (state, vocabulary) = ("rnnlm.state", "rnnlm.vocabulary");
            [embed_w, wx, wh, b, affine_w, affine_b, state, vocabulary, "rnnlm.training", "rnnlm.crc32"]
        };
    }
    &Of::<C>::NAMES
}

/// One tensor as the header describes it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub is_f32: bool,
    /// One size or two.
    pub rank: usize,
    pub shape: [usize; 2],
    /// Where its bytes begin and end, behind the header.
    pub offsets: [usize; 2],
}

/// The header's tensors by number.
pub(super) type Entries = [Option<Entry>; COUNT];

/// Lays out the tensors of a complete file for these sizes one behind the other. Gives where the last one ends; `None`
/// where the sum overflows.
pub(super) const fn complete<C: Layer>(sizes: &Sizes, vocabulary: usize, entries: &mut Entries) -> Option<usize> {
    let &Sizes { v, d, hidden: h, n, .. } = sizes;
    let columns = C::SIZES.gates * h;
    let shapes: [(usize, [usize; 2]); COUNT] = [
        (2, [v, d]),
        (2, [d, columns]),
        (2, [h, columns]),
        (1, [columns, 1]),
        (2, [h, v]),
        (1, [v, 1]),
        (2, [C::SIZES.states * n, h]),
        (1, [vocabulary, 1]),
        (1, [training::LEN, 1]),
        (1, [CRC_LEN, 1]),
    ];
    let (mut end, mut number) = (0_usize, 0);
    while number < COUNT {
        let (rank, shape) = shapes[number];
        let (is_f32, begin) = (number < FLOATS, end);
        let Some(elements) = shape[0].checked_mul(shape[1]) else { return None };
        let Some(bytes) = elements.checked_mul(if is_f32 { 4 } else { 1 }) else { return None };
        let Some(next) = begin.checked_add(bytes) else { return None };
        end = next;
        entries[number] = Some(Entry { is_f32, rank, shape, offsets: [begin, end] });
        number += 1;
    }
    Some(end)
}

/// Checks the six weights of a bare file: each has the type and shape of `expected`, and together they cover `len`
/// bytes without gap or overlap, in whatever order.
#[inline(always)]
pub(super) fn check_bare(
    names: &'static Names,
    entries: &Entries,
    expected: &Entries,
    len: usize,
) -> Result<(), CheckpointError> {
    let weights = || entries.iter().flatten();
    for ((entry, expected), tensor) in entries.iter().zip(expected.iter().flatten()).zip(names).take(WEIGHTS) {
        let Some(entry) = entry else { return Err(CheckpointError::Missing { tensor }) };
        let [begin, end] = expected.offsets;
        let bytes = entry.offsets[1].checked_sub(entry.offsets[0]);
        let same = (entry.is_f32, entry.rank, entry.shape) == (expected.is_f32, expected.rank, expected.shape);
        if !same || bytes != Some(end - begin) {
            return Err(CheckpointError::Shape { tensor });
        }
    }
    // none is empty, so each begins where another ends
    let mut at = 0;
    for _ in 0..WEIGHTS {
        let next = weights().find(|entry| entry.offsets[0] == at).ok_or(CheckpointError::Layout)?;
        at = next.offsets[1];
    }
    if at == len { Ok(()) } else { Err(CheckpointError::Layout) }
}
