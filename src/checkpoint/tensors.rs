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

/// The tensors of a complete file for these sizes, laid out one behind the other, and where the last one ends; `None` where the sum overflows.
pub(super) fn complete(&Sizes { v, d, h, n, .. }: &Sizes, vocabulary: usize) -> Option<([Entry; COUNT], usize)> {
    let vector = |len| (1, [len, 1]);
    let shapes = [
        (2, [v, d]),
        (2, [d, h]),
        (2, [h, h]),
        vector(h),
        (2, [h, v]),
        vector(v),
        (2, [n, h]),
        vector(vocabulary),
        vector(training::LEN),
        vector(CRC_LEN),
    ];
    let mut end = Some(0_usize);
    let mut number = 0;
    let entries = shapes.map(|(rank, shape)| {
        let is_f32 = number < FLOATS;
        number += 1;
        let begin = end.unwrap_or(0);
        let bytes = shape[0].checked_mul(shape[1]).and_then(|len| len.checked_mul(if is_f32 { 4 } else { 1 }));
        end = end.zip(bytes).and_then(|(end, bytes)| end.checked_add(bytes));
        Entry { is_f32, rank, shape, offsets: [begin, end.unwrap_or(0)] }
    });
    Some((entries, end?))
}

/// Checks the six weights of a bare file: each has the type and shape of `expected`, and together they cover `len` bytes without gap or overlap, in
/// whatever order.
pub(super) fn check_bare(entries: &Entries, expected: &[Entry; COUNT], len: usize) -> Result<(), CheckpointError> {
    let weights = || entries.iter().flatten();
    for ((entry, expected), tensor) in entries.iter().zip(expected).zip(NAMES).take(WEIGHTS) {
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
