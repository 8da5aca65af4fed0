//! TimeAffine: from hidden states to logits.
//!
//! ```text
//! forward    logits = b + h W
//! backward   dh = dlogits W^T     dW = h^T dlogits     db = sum of dlogits over rows
//! ```

use crate::{
    config::Sizes,
    kernels::{End, Left, Product, ProductAndSums, Right, Shape, Start, Team},
    simd::Simd,
};

/// logits = b + h W
pub(crate) struct Forward<'a> {
    /// (T*N,V)
    pub logits: &'a mut [f32],
    /// (T*N,H)
    pub h: &'a [f32],
    /// (H,V)
    pub w: &'a [f32],
    /// (V)
    pub b: &'a [f32],
    pub scratch: &'a mut [f32],
}

impl Forward<'_> {
    #[inline(always)]
    pub(crate) fn run<T: Team, S: Simd>(self, team: T, s: S, &Sizes { v, hidden, n, t, .. }: &Sizes) {
        let Self { logits, h, w, b, scratch } = self;
        let shape = Shape { m: n * t, k: hidden, n: v };
        let (a, start, end) = (Left::rows(h, hidden), Start::Bias(b), End::Store);
        Product { shape, a, b: Right::Rows(w), c: logits, start, end, scratch }.run_by(team, s);
    }
}

/// dh = dlogits W^T
pub(crate) struct Backward<'a> {
    /// (T*N,H)
    pub d_h: &'a mut [f32],
    /// (T*N,V)
    pub d_logits: &'a [f32],
    /// W^T (V,H)
    pub w_t: Right<'a>,
    pub scratch: &'a mut [f32],
}

impl Backward<'_> {
    #[inline(always)]
    pub(crate) fn run<T: Team, S: Simd>(self, team: T, s: S, &Sizes { v, hidden, n, t, .. }: &Sizes) {
        let Self { d_h, d_logits, w_t, scratch } = self;
        let shape = Shape { m: n * t, k: v, n: hidden };
        let (a, start, end) = (Left::rows(d_logits, v), Start::Zero, End::Store);
        Product { shape, a, b: w_t, c: d_h, start, end, scratch }.run_by(team, s);
    }
}

/// dW = h^T dlogits, db = sum of dlogits over rows
pub(crate) struct WeightGradients<'a> {
    /// (H,V): where dW is stored, or W to be updated in place.
    pub w: &'a mut [f32],
    /// (V): where db is stored, or b to be updated in place.
    pub b: &'a mut [f32],
    /// (T*N,H)
    pub h: &'a [f32],
    /// (T*N,V)
    pub d_logits: &'a [f32],
    pub end: End<'a>,
    pub scratch: &'a mut [f32],
}

impl WeightGradients<'_> {
    #[inline(always)]
    pub(crate) fn run<T: Team, S: Simd>(self, team: T, s: S, &Sizes { v, hidden, n, t, .. }: &Sizes) {
        let Self { w, b, h, d_logits, end, scratch } = self;
        let (shape, a) = (Shape { m: hidden, k: n * t, n: v }, Left::transposed(h, hidden));
        ProductAndSums { shape, a, b: d_logits, c: w, sums: b, end, scratch }.run_by(team, s);
    }
}
