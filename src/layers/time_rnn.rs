//! TimeRnn: the recurrence, stateful, with truncated BPTT.
//!
//! ```text
//! forward    z_t = b + x_t Wx + h_{t-1} Wh            h_t = tanh z_t
//! backward   dh_t = (from the layer above) + dz_{t+1} Wh^T      (none after the last step)
//!            dz_t = dh_t (1 - h_t²)
//!            dx = dz Wx^T     dWx = x^T dz     dWh = h_prev^T dz     db = sum of dz over rows
//! ```
//!
//! x_t Wx is one product for all t, and so are dx, dWx and dWh: h has (T+1)*N rows, of which the first T*N are h_prev
//! and the last T*N are h. (Werbos, Backpropagation through time: what it does and how to do it, Proc. IEEE 78(10),
//! 1990.)

use crate::{
    config::Sizes,
    kernels::{
        End, Left, PackTransposes, Product, ProductAndSums, Recurrence, RecurrenceBackward, Right, Shape, Start, Team,
        part,
    },
    simd::Simd,
};

/// z = b + x Wx, then h_t = tanh(z_t + h_{t-1} Wh)
pub(crate) struct Forward<'a> {
    /// ((T+1)*N,H): the first N rows are the state before the window, the others are filled.
    pub h: &'a mut [f32],
    /// (T*N,D)
    pub x: &'a [f32],
    /// (D,H)
    pub wx: &'a [f32],
    /// (H,H)
    pub wh: &'a [f32],
    /// (H)
    pub b: &'a [f32],
    /// Packing that is interleaved with the recurrence, which waits for itself.
    pub overlap: Option<PackTransposes<'a>>,
    /// None where the overlap packs into it.
    pub scratch: &'a mut [f32],
}

impl Forward<'_> {
    #[inline(always)]
    pub(crate) fn run<T: Team, S: Simd>(self, team: T, s: S, &Sizes { d, hidden, n, t, .. }: &Sizes) {
        let Self { h, x, wx, wh, b, overlap, scratch } = self;
        let Some((_, z)) = h.split_at_mut_checked(n * hidden) else { return };
        let shape = Shape { m: n * t, k: d, n: hidden };
        let (a, start, end) = (Left::rows(x, d), Start::Bias(b), End::Store);
        Product { shape, a, b: Right::Rows(wx), c: z, start, end, scratch: &mut *scratch }.run_by(team, s);
        Recurrence { h, wh, n, t, hidden, overlap, scratch }.run(team, s);
    }
}

/// dh becomes dz from the last step to the first, then dx = dz Wx^T
pub(crate) struct Backward<'a> {
    /// (T*N,D)
    pub d_x: &'a mut [f32],
    /// (T*N,H): dh, then dz.
    pub d_h: &'a mut [f32],
    /// ((T+1)*N,H)
    pub h: &'a [f32],
    /// Wx^T (H,D)
    pub wx_t: Right<'a>,
    /// Wh^T (H,H)
    pub wh_t: Right<'a>,
    pub scratch: &'a mut [f32],
}

impl Backward<'_> {
    #[inline(always)]
    pub(crate) fn run<T: Team, S: Simd>(self, team: T, s: S, &Sizes { d, hidden, n, t, .. }: &Sizes) {
        let Self { d_x, d_h, h, wx_t, wh_t, scratch } = self;
        let h = part(h, n * hidden..);
        RecurrenceBackward { d: &mut *d_h, h, wh: wh_t, n, t, hidden, scratch: &mut *scratch }.run(team, s);
        let shape = Shape { m: n * t, k: hidden, n: d };
        let (a, start, end) = (Left::rows(d_h, hidden), Start::Zero, End::Store);
        Product { shape, a, b: wx_t, c: d_x, start, end, scratch }.run_by(team, s);
    }
}

/// dWx = x^T dz, dWh = h_prev^T dz, db = sum of dz over rows
pub(crate) struct WeightGradients<'a> {
    /// (D,H): where dWx is stored, or Wx to be updated in place.
    pub wx: &'a mut [f32],
    /// (H,H): where dWh is stored, or Wh to be updated in place.
    pub wh: &'a mut [f32],
    /// (H): where db is stored, or b to be updated in place.
    pub b: &'a mut [f32],
    /// (T*N,D)
    pub x: &'a [f32],
    /// ((T+1)*N,H)
    pub h: &'a [f32],
    /// (T*N,H)
    pub d_z: &'a [f32],
    pub end: End<'a>,
    pub scratch: &'a mut [f32],
}

impl WeightGradients<'_> {
    #[inline(always)]
    pub(crate) fn run<T: Team, S: Simd>(self, team: T, s: S, &Sizes { d, hidden, n, t, .. }: &Sizes) {
        let Self { wx, wh, b, x, h, d_z, end, scratch } = self;
        let (shape, a, start) = (Shape { m: d, k: n * t, n: hidden }, Left::transposed(x, d), Start::Zero);
        Product { shape, a, b: Right::Rows(d_z), c: wx, start, end, scratch: &mut *scratch }.run_by(team, s);
        let (shape, a) = (Shape { m: hidden, k: n * t, n: hidden }, Left::transposed(h, hidden));
        ProductAndSums { shape, a, b: d_z, c: wh, sums: b, end, scratch }.run_by(team, s);
    }
}
