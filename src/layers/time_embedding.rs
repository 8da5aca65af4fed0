//! TimeEmbedding: each token id selects its word vector, a row of W (V,D).
//!
//! ```text
//! forward    x_r = W[id_r]
//! backward   dW[i] = sum of dx_r over the rows r with id_r = i, in ascending r
//! ```

use super::TokenWindow;
use crate::{
    kernels::{Add, Descend, Into, Probe, copy},
    simd::{PACKS, Simd},
};

/// x (T*N,D) from W (V,D); `rows` (T*N) keeps the id of each row for the backward pass, as the bits of a float.
pub(crate) fn forward(x: &mut [f32], rows: &mut [f32], w: &[f32], d: usize, ids: TokenWindow<'_>) {
    for ((x, row), id) in x.chunks_exact_mut(d.max(1)).zip(rows).zip(ids.time_major()) {
        copy(x, w.get(id as usize * d..).unwrap_or_default());
        *row = f32::from_bits(id);
    }
}

/// What stands in `rows` for a row whose gradient was added to that of another; no id is as large.
const ADDED: u32 = u32::MAX;

/// Adds up the rows of dx (T*N,D) that belong to one id, into the first of them: the gradient of that row of W.
/// The others are marked in `rows`.
pub(crate) fn backward<S: Simd>(s: S, d_x: &mut [f32], rows: &mut [f32], d: usize) {
    for r in 0..rows.len() {
        let first = first_with_same_id(rows, r);
        if first < r {
            let Some((before, from)) = d_x.split_at_mut_checked(r * d) else { return };
            let (Some(sum), Some(row)) = (before.get_mut(first * d..), from.get(..d)) else { return };
            s.run(Add(sum, row));
            if let Some(id) = rows.get_mut(r) {
                *id = f32::from_bits(ADDED);
            }
        }
    }
}

/// Sends the gradients that [`backward`] left in dx into W or dW (V,D). False where a probe found a step not finite.
pub(crate) fn weight_gradient<S: Simd>(
    s: S,
    w: &mut [f32],
    d_x: &[f32],
    rows: &[f32],
    d: usize,
    into: Into<'_>,
) -> bool {
    let mut finite = true;
    for (id, gradient) in rows.iter().zip(d_x.chunks_exact(d.max(1))) {
        let id = id.to_bits();
        if id == ADDED {
            continue;
        }
        let Some(weights) = w.get_mut(id as usize * d..) else { return false };
        match into {
            Into::Descend(rate) => s.run(Descend { weights, gradient, rate }),
            Into::Probe(rate) => finite &= s.run(Probe { weights, gradient, rate }),
            _ => copy(weights, gradient),
        }
    }
    finite
}

/// The first row with the id of row `r`. Quadratic in all, but sixteen comparisons are a vector operation.
fn first_with_same_id(rows: &[f32], r: usize) -> usize {
    let (Some(id), Some(before)) = (rows.get(r).map(|id| id.to_bits()), rows.get(..r)) else { return r };
    let is_same = |other: &f32| other.to_bits() == id;
    let mut passed = 0;
    if PACKS {
        let has_same = |block: &[f32]| block.iter().fold(false, |found, other| found | is_same(other));
        passed = before.chunks(16).position(has_same).map_or(before.len(), |block| 16 * block);
    }
    before.iter().skip(passed).position(is_same).map_or(r, |at| passed + at)
}
