//! The elementwise passes of the LSTM: one step of one row of text, in one loop.
//!
//! ```text
//! forward    f, i, o = sigmoid z_f, z_i, z_o     g = tanh z_g
//!            c = f c_before + g i                 h = o tanh c
//! backward   dc = dh o (1 - tanh² c) + (dc f of the step after)
//!            dz_f = dc c_before (f - f²)          dz_g = dc i (1 - g²)
//!            dz_i = dc g (i - i²)                 dz_o = dh tanh c (o - o²)
//! ```
//!
//! A row of z has the columns of f, then those of g, i and o. A gate takes the place of its argument, and dz that of
//! the gate; c that of c_before; dc f that of tanh c. One-lane paths compute sigmoid and tanh in passes of their own,
//! which may be assembly, in the same order for each element.

use super::{
    elementwise::copy,
    exp::{Tanh, tanh_lanes},
    sigmoid::{Sigmoid, sigmoid_lanes},
};
use crate::simd::{Kernel, Simd};

/// The next states.
pub(crate) struct LstmForward<'a> {
    /// (4 H): z, then the gates.
    pub z: &'a mut [f32],
    /// (H): c before, then c.
    pub c: &'a mut [f32],
    /// (H)
    pub tanh_c: &'a mut [f32],
    /// (H)
    pub h: &'a mut [f32],
}

/// A row of 4 H in its four parts; nothing where it is shorter.
#[inline(always)]
fn gates(z: &mut [f32], hidden: usize) -> Option<[&mut [f32]; 4]> {
    let (f, rest) = z.split_at_mut_checked(hidden)?;
    let (g, rest) = rest.split_at_mut_checked(hidden)?;
    let (i, o) = rest.split_at_mut_checked(hidden)?;
    Some([f, g, i, o.get_mut(..hidden)?])
}

/// The elements from `at` on; none behind the end.
#[inline(always)]
fn from(x: &[f32], at: usize) -> &[f32] {
    x.get(at..).unwrap_or_default()
}

/// [`from`], to be written.
#[inline(always)]
fn from_mut(x: &mut [f32], at: usize) -> &mut [f32] {
    x.get_mut(at..).unwrap_or_default()
}

impl Kernel for LstmForward<'_> {
    type Output = ();
    #[inline(always)]
    fn call<S: Simd>(self, s: S) {
        let Self { z, c, tanh_c, h } = self;
        let hidden = h.len();
        let Some([f, g, i, o]) = gates(z, hidden) else { return };
        if S::LANES == 1 {
            s.run(Sigmoid(&mut *f));
            s.run(Tanh(&mut *g));
            s.run(Sigmoid(&mut *i));
            s.run(Sigmoid(&mut *o));
            s.run(Next { f, g, i, c: &mut *c });
            copy(tanh_c, c);
            s.run(Tanh(&mut *tanh_c));
            copy(h, tanh_c);
            return s.run(Multiply(h, o));
        }
        for at in (0..hidden).step_by(S::LANES) {
            let [f, g, i, o] = [&mut *f, &mut *g, &mut *i, &mut *o].map(|gate| from_mut(gate, at));
            let (forget, candidate) = (sigmoid_lanes(s, s.load(f)), tanh_lanes(s, s.load(g)));
            let (input, output) = (sigmoid_lanes(s, s.load(i)), sigmoid_lanes(s, s.load(o)));
            let c = from_mut(c, at);
            let next = s.fma(forget, s.load(c), s.mul(candidate, input));
            let tanh = tanh_lanes(s, next);
            s.store(f, forget);
            s.store(g, candidate);
            s.store(i, input);
            s.store(o, output);
            s.store(c, next);
            s.store(from_mut(tanh_c, at), tanh);
            s.store(from_mut(h, at), s.mul(tanh, output));
        }
    }
}

/// c = f c + g i on one lane.
struct Next<'a> {
    f: &'a [f32],
    g: &'a [f32],
    i: &'a [f32],
    c: &'a mut [f32],
}

impl Kernel for Next<'_> {
    type Output = ();
    #[inline(always)]
    fn call<S: Simd>(self, s: S) {
        let Self { f, g, i, c } = self;
        for (((c, &f), &g), &i) in c.iter_mut().zip(f).zip(g).zip(i) {
            *c = s.fma_one(f, *c, g * i);
        }
    }
}

/// x = x y on one lane.
struct Multiply<'a>(&'a mut [f32], &'a [f32]);

impl Kernel for Multiply<'_> {
    type Output = ();
    #[inline(always)]
    fn call<S: Simd>(self, _: S) {
        for (x, &y) in self.0.iter_mut().zip(self.1) {
            *x *= y;
        }
    }
}

/// The gradients of z and of c before.
pub(crate) struct LstmBackward<'a> {
    /// (4 H): the gates, then dz.
    pub z: &'a mut [f32],
    /// (H): tanh c, then dc f.
    pub tanh_c: &'a mut [f32],
    /// (H): dh.
    pub d_h: &'a [f32],
    /// (H): dc f of the step after; nothing behind the last one.
    pub d_c_after: &'a [f32],
    /// (H)
    pub c_before: &'a [f32],
}

impl Kernel for LstmBackward<'_> {
    type Output = ();
    #[inline(always)]
    fn call<S: Simd>(self, s: S) {
        let Self { z, tanh_c, d_h, d_c_after, c_before } = self;
        let hidden = tanh_c.len();
        let Some([f_row, g_row, i_row, o_row]) = gates(z, hidden) else { return };
        let one = s.splat(1.0);
        for at in (0..hidden).step_by(S::LANES) {
            let rows = [&mut *f_row, &mut *g_row, &mut *i_row, &mut *o_row];
            let [f_row, g_row, i_row, o_row] = rows.map(|gate| from_mut(gate, at));
            let (f, g, i, o) = (s.load(f_row), s.load(g_row), s.load(i_row), s.load(o_row));
            let (tanh_c, d_h) = (from_mut(tanh_c, at), s.load(from(d_h, at)));
            let (tanh, d_c_after) = (s.load(tanh_c), s.load(from(d_c_after, at)));
            let d_c = s.fma(s.mul(d_h, o), s.nfma(tanh, tanh, one), d_c_after);
            s.store(f_row, s.mul(s.mul(d_c, s.load(from(c_before, at))), s.nfma(f, f, f)));
            s.store(g_row, s.mul(s.mul(d_c, i), s.nfma(g, g, one)));
            s.store(i_row, s.mul(s.mul(d_c, g), s.nfma(i, i, i)));
            s.store(o_row, s.mul(s.mul(d_h, tanh), s.nfma(o, o, o)));
            s.store(tanh_c, s.mul(d_c, f));
        }
    }
}
