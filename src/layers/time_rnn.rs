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

use super::cell::{Backward, Forward, Layer, WeightGradients};
use crate::{
    config::{CellSizes, Sizes},
    kernels::{
        End, Left, Product, ProductAndSums, Recurrence, RecurrenceBackward, Right, Shape, Start, Tanh, Team, copy, part,
    },
    simd::Simd,
};

/// The cell of [`SimpleRnnlm`](crate::SimpleRnnlm): h = tanh(b + x Wx + h Wh).
///
/// ```
/// use rnnlm::{Config, TanhCell, Model, Xorshift};
/// let config =
///     Config { vocab_size: 5, wordvec_size: 3, hidden_size: 4, batch_size: 1, time_size: 2 };
/// let model = Model::<TanhCell>::new(config, &mut Xorshift::new(1))?; // or SimpleRnnlm::new
/// assert_eq!(model.state().len(), 4); // h
/// # Ok::<(), rnnlm::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct TanhCell;

#[allow(private_bounds, private_interfaces, reason = "only this crate has cells")]
impl Layer for TanhCell {
    const SIZES: CellSizes = CellSizes { gates: 1, states: 1, kept: 0 };
    const MODEL: &'static str = "SimpleRnnlm";
    const NAMES: [&'static str; 6] = ["embed.W", "rnn.Wx", "rnn.Wh", "rnn.b", "affine.W", "affine.b"];
    const PACKS_TRANSPOSES: bool = true;

    /// z = b + x Wx, then h_t = tanh(z_t + h_{t-1} Wh)
    #[inline(always)]
    fn forward<T: Team, S: Simd>(team: T, s: S, &Sizes { d, hidden, n, t, .. }: &Sizes, pass: Forward<'_>) {
        let Forward { h, x, wx, wh, b, overlap, scratch } = pass;
        let Some((_, z)) = h.split_at_mut_checked(n * hidden) else { return };
        let shape = Shape { m: n * t, k: d, n: hidden };
        let (a, start, end) = (Left::rows(x, d), Start::Bias(b), End::Store);
        Product { shape, a, b: Right::Rows(wx), c: z, start, end, scratch: &mut *scratch }.run_by(team, s);
        Recurrence { h, wh, n, t, hidden, overlap, scratch }.run(team, s);
    }

    /// dh becomes dz from the last step to the first, then dx = dz Wx^T
    #[inline(always)]
    fn backward<T: Team, S: Simd>(team: T, s: S, &Sizes { d, hidden, n, t, .. }: &Sizes, pass: Backward<'_>) {
        let Backward { d_x, d_h, h, wx_t, wh_t, scratch } = pass;
        let h = part(h, n * hidden..);
        RecurrenceBackward { d: &mut *d_h, h, wh: wh_t, n, t, hidden, scratch: &mut *scratch }.run(team, s);
        let shape = Shape { m: n * t, k: hidden, n: d };
        let (a, start, end) = (Left::rows(d_h, hidden), Start::Zero, End::Store);
        Product { shape, a, b: wx_t, c: d_x, start, end, scratch }.run_by(team, s);
    }

    #[inline(always)]
    fn weight_gradients<T: Team, S: Simd>(
        team: T,
        s: S,
        &Sizes { d, hidden, n, t, .. }: &Sizes,
        pass: WeightGradients<'_>,
    ) {
        let WeightGradients { wx, wh, b, x, h, d_h: d_z, end, scratch } = pass;
        let (shape, a, start) = (Shape { m: d, k: n * t, n: hidden }, Left::transposed(x, d), Start::Zero);
        Product { shape, a, b: Right::Rows(d_z), c: wx, start, end, scratch: &mut *scratch }.run_by(team, s);
        let (shape, a) = (Shape { m: hidden, k: n * t, n: hidden }, Left::transposed(h, hidden));
        ProductAndSums { shape, a, b: d_z, c: wh, sums: b, end, scratch }.run_by(team, s);
    }

    #[inline(always)]
    fn advance<S: Simd>(s: S, h: &mut [f32], z: &mut [f32]) {
        s.run(Tanh(&mut *z));
        copy(h, z);
    }
}
