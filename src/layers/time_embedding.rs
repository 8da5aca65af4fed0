//! TimeEmbedding: each token id selects its word vector, a row of W (V,D).
//!
//! ```text
//! forward    x_r = W[id_r]
//! backward   dW[i] = sum of dx_r over the rows r with id_r = i, in ascending r
//! ```

use super::TokenWindow;
use crate::{
    kernels::{Add, Descend, Into, step_is_finite},
    matrix::Matrix,
    simd::Simd,
};

/// x (T*N,D) from W (V,D).
pub(crate) fn forward(x: &mut [f32], w: Matrix<&[f32]>, ids: TokenWindow<'_>) {
    for (x, id) in x.chunks_exact_mut(w.cols().max(1)).zip(ids.time_major()) {
        if let Some(vector) = w.row(id as usize) {
            x.copy_from_slice(vector);
        }
    }
}

/// Adds up the rows of dx (T*N,D) that belong to one id, into the first of them: the gradient of that row of W.
pub(crate) fn backward<S: Simd>(s: S, d_x: &mut [f32], ids: TokenWindow<'_>, d: usize) {
    for (r, first) in first_occurrences(ids).enumerate() {
        if first < r {
            let (before, from) = d_x.split_at_mut((r * d).min(d_x.len()));
            if let (Some(sum), Some(row)) = (before.get_mut(first * d..first * d + d), from.get(..d)) {
                s.run(Add(sum, row));
            }
        }
    }
}

/// Sends the gradients that [`backward`] left in dx into W or dW (V,D). False where a probe found a step not finite.
pub(crate) fn weight_gradient<S: Simd>(
    s: S,
    w: &mut Matrix<&mut [f32]>,
    d_x: &[f32],
    ids: TokenWindow<'_>,
    into: Into<'_>,
) -> bool {
    let rows = d_x.chunks_exact(w.cols().max(1));
    let mut finite = true;
    for (r, ((gradient, id), first)) in rows.zip(ids.time_major()).zip(first_occurrences(ids)).enumerate() {
        let Some(weights) = w.row_mut(id as usize) else { continue };
        if first < r {
            continue;
        }
        match into {
            Into::Descend(rate) => s.run(Descend { weights, gradient, rate }),
            Into::Probe(rate) => finite &= weights.iter().zip(gradient).all(|(&w, &g)| step_is_finite(s, rate, g, w)),
            _ => weights.copy_from_slice(gradient),
        }
    }
    finite
}

/// For each row r the first row with the same id.
fn first_occurrences(ids: TokenWindow<'_>) -> impl Iterator<Item = usize> {
    let rows = ids.time_major();
    rows.clone().enumerate().map(move |(r, id)| rows.clone().position(|other| other == id).unwrap_or(r))
}
