//! TimeEmbedding: each token id selects its word vector, a row of W (V,D).
//!
//! ```text
//! forward    x_r = W[id_r]
//! backward   dW[i] = sum of dx_r over the rows r with id_r = i, in ascending r
//! ```

use super::{RowIds, TokenWindow};
use crate::{
    kernels::{Add, Descend, Into, Probe, copy},
    simd::Simd,
};

/// x (T*N,D) from W (V,D). `rows` keeps the id of each row for the backward pass.
pub(crate) fn forward(x: &mut [f32], mut rows: RowIds<'_>, w: &[f32], d: usize, ids: TokenWindow<'_>) {
    for ((x, row), id) in x.chunks_exact_mut(d.max(1)).zip(rows.iter_mut()).zip(ids.time_major()) {
        copy(x, w.get(id as usize * d..).unwrap_or_default());
        row.set(id);
    }
}

/// Adds up the rows of dx (T*N,D) that belong to one id, into the first of them: the gradient of that row of W.
/// `rows` tells the others from it afterwards.
pub(crate) fn backward<S: Simd>(s: S, d_x: &mut [f32], mut rows: RowIds<'_>, d: usize) {
    for r in 0..rows.len() {
        let first = rows.first_with_same_id(r);
        if first < r {
            let Some((before, from)) = d_x.split_at_mut_checked(r * d) else { return };
            let (Some(sum), Some(row)) = (before.get_mut(first * d..), from.get(..d)) else { return };
            s.run(Add(sum, row));
            rows.set_merged(r);
        }
    }
}

/// Sends the gradients that [`backward`] left in dx into W or dW (V,D). False where a probe found a step not finite.
pub(crate) fn weight_gradient<S: Simd>(
    s: S,
    w: &mut [f32],
    d_x: &[f32],
    rows: RowIds<'_>,
    d: usize,
    into: Into<'_>,
) -> bool {
    let mut finite = true;
    for (id, gradient) in rows.iter().zip(d_x.chunks_exact(d.max(1))) {
        let Some(id) = id else { continue };
        let Some(weights) = w.get_mut(id as usize * d..) else { return false };
        match into {
            Into::Descend(rate) => s.run(Descend { weights, gradient, rate }),
            Into::Probe(rate) => finite &= s.run(Probe { weights, gradient, rate }),
            _ => copy(weights, gradient),
        }
    }
    finite
}
