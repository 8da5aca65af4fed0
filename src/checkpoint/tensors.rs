//! Which tensors a file holds, in which order, of which type and shape.

use super::training;
use crate::{config::Sizes, error::CheckpointError};

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

pub(super) const NAMES: [&str; COUNT] = [
    "embed.W",
    "rnn.Wx",
    "rnn.Wh",
    "rnn.b",
    "affine.W",
    "affine.b",
    "rnnlm.state",
    "rnnlm.vocabulary",
    "rnnlm.training",
    "rnnlm.crc32",
];

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
pub(super) fn complete(sizes: &Sizes, vocabulary: usize, entries: &mut Entries) -> Option<usize> {
    let &Sizes { v, d, hidden: h, n, .. } = sizes;
    let vectors = [h, v, vocabulary, training::LEN, CRC_LEN].map(|len| (1, [len, 1]));
    let [rnn_b, affine_b, vocabulary, training, crc] = vectors;
    let matrices = [[v, d], [d, h], [h, h], [h, v], [n, h]].map(|shape| (2, shape));
    let [embed_w, rnn_wx, rnn_wh, affine_w, state] = matrices;
    let shapes = [embed_w, rnn_wx, rnn_wh, rnn_b, affine_w, affine_b, state, vocabulary, training, crc];
    let mut end = 0_usize;
    for (number, (entry, &(rank, shape))) in entries.iter_mut().zip(&shapes).enumerate() {
        let (is_f32, begin) = (number < FLOATS, end);
        let size = if is_f32 { 4 } else { 1 };
        end = shape[0].checked_mul(shape[1])?.checked_mul(size)?.checked_add(begin)?;
        *entry = Some(Entry { is_f32, rank, shape, offsets: [begin, end] });
    }
    Some(end)
}

/// Checks the six weights of a bare file: each has the type and shape of `expected`, and together they cover `len`
/// bytes without gap or overlap, in whatever order.
pub(super) fn check_bare(entries: &Entries, expected: &Entries, len: usize) -> Result<(), CheckpointError> {
    let weights = || entries.iter().flatten();
    for ((entry, expected), tensor) in entries.iter().zip(expected.iter().flatten()).zip(&NAMES).take(WEIGHTS) {
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
