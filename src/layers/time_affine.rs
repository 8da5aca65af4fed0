//! TimeAffine: from hidden states to logits.
//!
//! ```text
//! forward    logits = b + h W
//! backward   dh = dlogits W^T     dW = h^T dlogits     db = sum of dlogits over rows
//! ```

use crate::{
    config::Sizes,
    kernels::{Into, Left, product_nt, product_wide, product_with_sums},
    simd::Simd,
};

/// logits (T*N,V) from h (T*N,H).
pub(crate) fn forward<S: Simd>(
    s: S,
    logits: &mut [f32],
    h: &[f32],
    [w, b]: [&[f32]; 2],
    pack: &mut [f32],
    &Sizes { v, hidden, n, t, .. }: &Sizes,
) {
    product_wide(s, [n * t, hidden, v], Left::rows(h, hidden), w, logits, Into::Bias(b), pack);
}

/// d_h (T*N,H) from d_logits (T*N,V). W or, where PACKED, its transpose in panels.
pub(crate) fn backward<S: Simd, const PACKED: bool>(
    s: S,
    d_h: &mut [f32],
    d_logits: &[f32],
    w: &[f32],
    pack: &mut [f32],
    &Sizes { v, hidden, n, t, .. }: &Sizes,
) {
    product_nt::<S, PACKED>(s, [n * t, v, hidden], d_logits, w, d_h, Into::Set, pack);
}

/// Sends dW (H,V) and db (1,V) where `into` says. False where a probe found a step not finite.
pub(crate) fn weight_gradients<S: Simd>(
    s: S,
    [w, b]: [&mut [f32]; 2],
    [h, d_logits]: [&[f32]; 2],
    pack: &mut [f32],
    &Sizes { v, hidden, n, t, .. }: &Sizes,
    into: Into<'_>,
) -> bool {
    product_with_sums(s, [hidden, n * t, v], Left::transposed(h, hidden), d_logits, [w, b], into, pack)
}
