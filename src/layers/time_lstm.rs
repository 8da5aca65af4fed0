//! TimeLstm: the gated recurrence, stateful, with truncated BPTT.
//!
//! ```text
//! forward    z_t = b + x_t Wx + h_{t-1} Wh, whose columns are z_f, z_g, z_i and z_o
//!            f, i, o = sigmoid z_f, z_i, z_o       g = tanh z_g
//!            c_t = f c_{t-1} + g i                 h_t = o tanh c_t
//! backward   dh_t = (from the layer above) + dz_{t+1} Wh^T       (none after the last step)
//!            dc_t = dh_t o (1 - tanh² c_t) + dc_{t+1} f_{t+1}    (none after the last step)
//!            dz_f = dc_t c_{t-1} f (1 - f)         dz_g = dc_t i (1 - g²)
//!            dz_i = dc_t g i (1 - i)               dz_o = dh_t tanh c_t o (1 - o)
//!            dx = dz Wx^T     dWx = x^T dz     dWh = h_prev^T dz     db = sum of dz over rows
//! ```
//!
//! The four gates are one product: Wx is (D,4H), Wh (H,4H), in the book's order f, g, i, o. x_t Wx is one product for
//! all t, and so are dx, dWx and dWh, as in `time_rnn.rs`. (Hochreiter and Schmidhuber, Long short-term memory, Neural
//! Computation 9(8), 1997; the forget gate: Gers, Schmidhuber and Cummins, Learning to forget, Neural Computation
//! 12(10), 2000.)

use core::mem;

use super::cell::{Backward, Forward, Layer, WeightGradients};
use crate::{
    config::{CellSizes, Sizes},
    kernels::{
        Columns, Cut, Dealt, End, Left, LstmBackward, LstmForward, Product, ProductAndSums, Right, Shape, Start, Team,
        copy, part,
    },
    simd::Simd,
};

/// The cell of [`Rnnlm`](crate::Rnnlm): the LSTM, with hidden state h and cell state c.
///
/// ```
/// use rnnlm::{Config, LstmCell, Model, Xorshift};
/// let config =
///     Config { vocab_size: 5, wordvec_size: 3, hidden_size: 4, batch_size: 1, time_size: 2 };
/// let model = Model::<LstmCell>::new(config, &mut Xorshift::new(1))?; // or Rnnlm::new
/// assert_eq!(model.state().len(), 8); // h and c
/// # Ok::<(), rnnlm::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct LstmCell;

const GATES: usize = 4;

/// The parts of the buffer `h`.
struct Kept<'a> {
    /// ((T+1)*N,H): the hidden states.
    h: &'a mut [f32],
    /// ((T+1)*N,H): the cell states.
    c: &'a mut [f32],
    /// (T*N,H): tanh c, then the gradient that a step hands to the c before it.
    tanh_c: &'a mut [f32],
    /// (T*N,4H): z, then the gates, then dz.
    z: &'a mut [f32],
}

impl<'a> Kept<'a> {
    #[inline(always)]
    fn of(buffer: &'a mut [f32], &Sizes { hidden, n, t, .. }: &Sizes) -> Option<Self> {
        let (state, step) = ((t + 1) * n * hidden, t * n * hidden);
        let (h, rest) = buffer.split_at_mut_checked(state)?;
        let (c, rest) = rest.split_at_mut_checked(state)?;
        let (tanh_c, rest) = rest.split_at_mut_checked(step)?;
        Some(Self { h, c, tanh_c, z: rest.get_mut(..GATES * step)? })
    }
}

/// dz (T*N,4H) in the buffer `h`.
#[inline(always)]
fn d_z<'h>(h: &'h [f32], &Sizes { hidden, n, t, .. }: &Sizes) -> &'h [f32] {
    part(h, (3 * t + 2) * n * hidden..)
}

#[allow(private_bounds, private_interfaces, reason = "only this crate has cells")]
impl Layer for LstmCell {
    const SIZES: CellSizes = CellSizes { gates: GATES, states: 2, kept: GATES + 1 };
    const MODEL: &'static str = "Rnnlm";
    const NAMES: [&'static str; 6] = ["embed.W", "lstm.Wx", "lstm.Wh", "lstm.b", "affine.W", "affine.b"];
    const PACKS_TRANSPOSES: bool = false;

    #[inline(always)]
    fn forward<T: Team, S: Simd>(team: T, s: S, sizes: &Sizes, pass: Forward<'_>) {
        let Forward { h, x, wx, wh, b, scratch, .. } = pass;
        let &Sizes { d, hidden, n, t, .. } = sizes;
        let Some(Kept { h, c, tanh_c, z }) = Kept::of(h, sizes) else { return };
        let shape = Shape { m: n * t, k: d, n: GATES * hidden };
        let (a, start, end) = (Left::rows(x, d), Start::Bias(b), End::Store);
        Product { shape, a, b: Right::Rows(wx), c: &mut *z, start, end, scratch: &mut *scratch }.run_by(team, s);
        let wh = Right::Rows(wh);
        let shape = Shape { m: n, k: hidden, n: GATES * hidden };
        let wh = if scratch.is_empty() { wh } else { wh.packed(s, shape, t, scratch) };
        if let Some(parts) = parts(team, sizes) {
            let cut = |data, blocks, row| cut(data, blocks, n, row);
            let [h, c] = [&mut *h, &mut *c].map(|state| cut(state, t + 1, hidden));
            let matrices = [h, c, cut(&mut *tanh_c, t, hidden), cut(&mut *z, t, GATES * hidden)];
            if let Some(dealt) = Dealt::new(matrices, n / 2, parts) {
                return team.run(&mut [], &|_| {
                    while let Some((_, rows)) = dealt.take() {
                        forward_rows(s, rows, wh, [t, hidden]);
                    }
                });
            }
        }
        let width = n * hidden;
        let rows = |data, blocks, width| Columns::of(data, blocks, width, width);
        let rows = [rows(h, t + 1, width), rows(c, t + 1, width), rows(tanh_c, t, width), rows(z, t, GATES * width)];
        forward_rows(s, rows, wh, [t, hidden]);
    }

    #[inline(always)]
    fn backward<T: Team, S: Simd>(team: T, s: S, sizes: &Sizes, pass: Backward<'_>) {
        let Backward { d_x, d_h, h, wx_t, wh_t, scratch } = pass;
        let &Sizes { d, hidden, n, t, .. } = sizes;
        let Some(Kept { c, tanh_c, z, .. }) = Kept::of(h, sizes) else { return };
        let shape = Shape { m: n, k: GATES * hidden, n: hidden };
        let dz = Gradients { d_h, tanh_c, c, z: &mut *z, wh_t: wh_t.packed(s, shape, t, &mut *scratch) };
        dz.run(team, s, sizes);
        let shape = Shape { m: n * t, k: GATES * hidden, n: d };
        let (a, start, end) = (Left::rows(z, GATES * hidden), Start::Zero, End::Store);
        Product { shape, a, b: wx_t, c: d_x, start, end, scratch }.run_by(team, s);
    }

    #[inline(always)]
    fn weight_gradients<T: Team, S: Simd>(team: T, s: S, sizes: &Sizes, pass: WeightGradients<'_>) {
        let WeightGradients { wx, wh, b, x, h, end, scratch, .. } = pass;
        let &Sizes { d, hidden, n, t, .. } = sizes;
        let d_z = d_z(h, sizes);
        let columns = GATES * hidden;
        let (shape, a, start) = (Shape { m: d, k: n * t, n: columns }, Left::transposed(x, d), Start::Zero);
        Product { shape, a, b: Right::Rows(d_z), c: wx, start, end, scratch: &mut *scratch }.run_by(team, s);
        let (shape, a) = (Shape { m: hidden, k: n * t, n: columns }, Left::transposed(h, hidden));
        ProductAndSums { shape, a, b: d_z, c: wh, sums: b, end, scratch }.run_by(team, s);
    }

    #[inline(always)]
    fn advance<S: Simd>(s: S, states: &mut [f32], z: &mut [f32]) {
        let Some((h, c)) = states.split_at_mut_checked(states.len() / 2) else { return };
        let Some((z, tanh_c)) = z.split_at_mut_checked(GATES * h.len()) else { return };
        s.run(LstmForward { z, c, tanh_c, h });
    }
}

/// Into how many parts of at least two rows of text to split the recurrence; `None` where that doesn't pay.
#[inline(always)]
fn parts<T: Team>(team: T, &Sizes { hidden, n, t, .. }: &Sizes) -> Option<usize> {
    let work = t.saturating_mul(n).saturating_mul(GATES * hidden).saturating_mul(hidden);
    let parts = team.parts(work, n / 2, 1);
    (!T::ALONE && parts > 1).then_some(parts)
}

/// A matrix of so many blocks of N rows of `row` floats, to be dealt by pairs of rows.
#[inline(always)]
fn cut(data: &mut [f32], blocks: usize, n: usize, row: usize) -> Cut<'_> {
    Cut { data, rows: blocks, width: n * row, unit: row.saturating_mul(2) }
}

/// The next `len` elements of what is left; nothing where it is shorter.
#[inline(always)]
fn next<'a>(left: &mut &'a mut [f32], len: usize) -> &'a mut [f32] {
    let (first, rest) = mem::take(left).split_at_mut_checked(len).unwrap_or_default();
    *left = rest;
    first
}

/// All steps of some rows of text: h and c ((T+1),.), tanh c and z (T,.).
#[inline(always)]
fn forward_rows<S: Simd>(
    s: S,
    [mut h, mut c, mut tanh_c, mut z]: [Columns<'_>; 4],
    wh: Right<'_>,
    [t, hidden]: [usize; 2],
) {
    let rows = h.width().checked_div(hidden).unwrap_or(0);
    let shape = Shape { m: rows, k: hidden, n: GATES * hidden };
    for step in 0..t {
        let (h_before, h) = h.two_rows(step, step + 1);
        let (c_before, c) = c.two_rows(step, step + 1);
        let (tanh_c, z) = (tanh_c.row(step), z.row(step));
        let a = Left::rows(h_before, hidden);
        Product { shape, a, b: wh, c: &mut *z, start: Start::C, end: End::Store, scratch: &mut [] }.run(s);
        copy(c, c_before);
        let (mut z, mut c, mut tanh_c, mut h) = (z, c, tanh_c, h);
        for _ in 0..rows {
            let [c, tanh_c, h] = [&mut c, &mut tanh_c, &mut h].map(|x| next(x, hidden));
            s.run(LstmForward { z: next(&mut z, GATES * hidden), c, tanh_c, h });
        }
    }
}

/// dz from dh, from the last step to the first.
struct Gradients<'a> {
    /// (T*N,H)
    d_h: &'a mut [f32],
    /// (T*N,H): tanh c, then the gradient for the c before.
    tanh_c: &'a mut [f32],
    /// ((T+1)*N,H)
    c: &'a [f32],
    /// (T*N,4H): the gates, then dz.
    z: &'a mut [f32],
    /// Wh^T (4H,H)
    wh_t: Right<'a>,
}

impl Gradients<'_> {
    #[inline(always)]
    fn run<T: Team, S: Simd>(self, team: T, s: S, sizes: &Sizes) {
        let Self { d_h, tanh_c, c, z, wh_t } = self;
        let &Sizes { hidden, n, t, .. } = sizes;
        if let Some(parts) = parts(team, sizes) {
            let [d_h, tanh_c] = [&mut *d_h, &mut *tanh_c].map(|matrix| cut(matrix, t, n, hidden));
            let matrices = [d_h, tanh_c, cut(&mut *z, t, n, GATES * hidden)];
            if let Some(dealt) = Dealt::new(matrices, n / 2, parts) {
                return team.run(&mut [], &|_| {
                    while let Some((pairs, rows)) = dealt.take() {
                        let c = part(c, 2 * pairs.start * hidden..);
                        backward_rows(s, rows, c, wh_t, [t, n, hidden]);
                    }
                });
            }
        }
        let rows = |data, width| Columns::of(data, t, width, width);
        let width = n * hidden;
        backward_rows(s, [rows(d_h, width), rows(tanh_c, width), rows(z, GATES * width)], c, wh_t, [t, n, hidden]);
    }
}

/// All steps of some rows of text, from the last one: dh, tanh c and the gates (T,.); c from the first of them on.
#[inline(always)]
fn backward_rows<S: Simd>(
    s: S,
    [mut d_h, mut tanh_c, mut z]: [Columns<'_>; 3],
    c: &[f32],
    wh_t: Right<'_>,
    [t, n, hidden]: [usize; 3],
) {
    let rows = d_h.width().checked_div(hidden).unwrap_or(0);
    let shape = Shape { m: rows, k: GATES * hidden, n: hidden };
    for step in (0..t).rev() {
        let d_h = d_h.row(step);
        let is_last = step + 1 == t;
        let (d_z_after, z) = if is_last { (&[][..], z.row(step)) } else { z.two_rows(step + 1, step) };
        let (d_c_after, tanh_c) = if is_last { (&[][..], tanh_c.row(step)) } else { tanh_c.two_rows(step + 1, step) };
        if !is_last {
            let a = Left::rows(d_z_after, GATES * hidden);
            Product { shape, a, b: wh_t, c: &mut *d_h, start: Start::C, end: End::Store, scratch: &mut [] }.run(s);
        }
        let (mut z, mut tanh_c, c_before) = (z, tanh_c, part(c, step * n * hidden..));
        for row in 0..rows {
            let (z, tanh_c) = (next(&mut z, GATES * hidden), next(&mut tanh_c, hidden));
            let [d_h, c_before] = [&*d_h, c_before].map(|x| part(x, row * hidden..(row + 1) * hidden));
            let d_c_after = d_c_after.get(row * hidden..).unwrap_or_default();
            s.run(LstmBackward { z, tanh_c, d_h, d_c_after, c_before });
        }
    }
}
