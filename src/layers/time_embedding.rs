//! TimeEmbedding: each token id selects its word vector, a row of W (V,D).
//!
//! ```text
//! forward    x_r = W[id_r]
//! backward   dW[i] = sum of dx_r over the rows r with id_r = i, in ascending r
//! ```

use super::{RowIds, TokenWindow};
use crate::{
    kernels::{Add, Descend, End, Left, Product, Right, Shape, Start, copy, part, part_mut},
    simd::Simd,
};

/// x (T*N,D) from W (V,D). `row_ids` keeps the id of each row for the backward pass.
pub(crate) fn forward(x: &mut [f32], mut row_ids: RowIds<'_>, w: &[f32], d: usize, ids: TokenWindow<'_>) {
    for ((x, row), id) in x.chunks_exact_mut(d.max(1)).zip(row_ids.iter_mut()).zip(ids.time_major()) {
        copy(x, part(w, id as usize * d..));
        row.set(id);
    }
}

/// Adds up the rows of dx (T*N,D) that belong to one id, into the first of them: the gradient of that row of W.
/// `row_ids` tells the others from it afterwards.
pub(crate) fn backward<S: Simd>(s: S, d_x: &mut [f32], mut row_ids: RowIds<'_>, d: usize) {
    for r in 0..row_ids.len() {
        let first = row_ids.first_with_same_id(r);
        if first < r {
            let Some((before, from)) = d_x.split_at_mut_checked(r * d) else { return };
            let (Some(sum), Some(row)) = (before.get_mut(first * d..), from.get(..d)) else { return };
            s.run(Add(sum, row));
            row_ids.set_merged(r);
        }
    }
}

/// dW\[i\] from what [`backward`] left in dx, to W or dW (V,D).
pub(crate) fn weight_gradient<S: Simd>(s: S, w: &mut [f32], d_x: &[f32], row_ids: RowIds<'_>, d: usize, end: End<'_>) {
    for (id, gradient) in row_ids.iter().zip(d_x.chunks_exact(d.max(1))) {
        let Some(id) = id else { continue };
        let weights = part_mut(w, id as usize * d..);
        match end {
            End::Store => copy(weights, gradient),
            End::Descend(rate) => s.run(Descend { weights, gradient, rate }),
            // as a product with 1: flash is short, and this is rare
            End::Probe(_) => {
                let (shape, a, b) = (Shape { m: 1, k: 1, n: d }, Left::ones(), Right::Rows(gradient));
                Product { shape, a, b, c: weights, start: Start::Zero, end, scratch: &mut [] }.run(s);
            }
        }
    }
}
