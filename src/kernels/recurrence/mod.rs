//! The recurrence of the model over all T steps of N rows of text, forward and backward.
//!
//! ```text
//! forward    z_t = z_t + h_{t-1} Wh              h_t = tanh z_t, in the place of z_t
//! backward   d_t = d_t + dz_{t+1} Wh^T           dz_t = d_t (1 - h_t²), in the place of d_t
//! ```
//!
//! In general a step is a product and a pass. The steps of a single row wait for each other, so there all steps run in
//! one loop that keeps the chains in registers (`in_registers.rs`). While that loop waits for itself, it packs the
//! transposed weights of the backward pass (`pack_transposes.rs`). Workers split the rows of text, each of which knows
//! nothing of the others: a worker does all T steps of its rows. All ways give the same bits.

mod in_registers;
mod pack_transposes;

use in_registers::{BackwardInRegisters, InRegisters};
pub(crate) use pack_transposes::{PackTransposes, Transposes, packed_transposes, transposes_len};

use super::{
    elementwise::{TanhBackward, part, part_mut},
    exp::Tanh,
    gemm::{End, Left, Product, Right, Shape, Start},
    workers::{Cut, Dealt, Team},
};
use crate::simd::Simd;

/// Forward: z becomes h.
pub(crate) struct Recurrence<'a> {
    /// ((T+1)*N,H): h_0, then z.
    pub h: &'a mut [f32],
    /// Row-major (H,H).
    pub wh: &'a [f32],
    pub n: usize,
    pub t: usize,
    pub hidden: usize,
    /// To be done during it, if a single row keeps its chains in registers.
    pub overlap: Option<PackTransposes<'a>>,
    /// [`packed_len`](super::packed_len) floats, or none: then Wh is read in place.
    pub scratch: &'a mut [f32],
}

impl Recurrence<'_> {
    #[inline(always)]
    pub(crate) fn run<T: Team, S: Simd>(self, team: T, s: S) {
        let Self { h, wh, n, t, hidden, overlap, scratch } = self;
        let shape = Shape { m: n, k: hidden, n: hidden };
        let b = Right::Rows(wh);
        let b = if scratch.is_empty() { b } else { b.packed(s, shape, t, scratch) };
        if let Some(dealt) = dealt(team, [n, t, hidden], h, t.saturating_add(1)) {
            return team.run(&mut [], &|_| forward_rows(s, &dealt, b, [t, hidden]));
        }
        let Some((before, z)) = h.split_at_mut_checked(n * hidden) else { return };
        if S::LANES > 1 && n == 1 {
            let z = part_mut(z, ..t * hidden);
            let done = match overlap {
                Some(overlap) => s.run(InRegisters { before, z, wh, overlap }),
                None => s.run(InRegisters { before, z, wh, overlap: () }),
            };
            if done {
                return;
            }
        }
        let (mut h_before, mut rest) = (before, z);
        for _ in 0..t {
            let Some((z, after)) = rest.split_at_mut_checked(n * hidden) else { return };
            let a = Left::rows(h_before, hidden);
            Product { shape, a, b, c: &mut *z, start: Start::C, end: End::Store, scratch: &mut [] }.run(s);
            s.run(Tanh(&mut *z));
            (h_before, rest) = (z, after);
        }
    }
}

/// The rows of text of a matrix of `blocks` blocks (N,H), for a team to split; `None` where that doesn't pay.
#[inline(always)]
fn dealt<T: Team>(team: T, [n, t, hidden]: [usize; 3], data: &mut [f32], blocks: usize) -> Option<Dealt<'_, 1>> {
    // by pairs: Wh^T is in panels for more than one row
    let (pairs, width) = (n / 2, n.saturating_mul(hidden));
    let parts = team.parts(t.saturating_mul(width).saturating_mul(hidden), pairs, 1);
    if T::ALONE || parts < 2 {
        return None;
    }
    Dealt::new([Cut { data, rows: blocks, width, unit: hidden.saturating_mul(2) }], pairs, parts)
}

/// All steps of the rows that are dealt: h ((T+1),.).
fn forward_rows<S: Simd>(s: S, dealt: &Dealt<'_, 1>, wh: Right<'_>, [t, hidden]: [usize; 2]) {
    while let Some((_, [mut h])) = dealt.take() {
        let shape = Shape { m: h.width().checked_div(hidden).unwrap_or(0), k: hidden, n: hidden };
        for step in 0..t {
            let (h_before, z) = h.two_rows(step, step + 1);
            let a = Left::rows(h_before, hidden);
            Product { shape, a, b: wh, c: &mut *z, start: Start::C, end: End::Store, scratch: &mut [] }.run(s);
            s.run(Tanh(z));
        }
    }
}

/// All steps of the rows that are dealt, from the last one: d (T,.); `h` (T,`width`).
fn backward_rows<S: Simd>(s: S, dealt: &Dealt<'_, 1>, h: &[f32], wh: Right<'_>, [t, width, hidden]: [usize; 3]) {
    while let Some((pairs, [mut d])) = dealt.take() {
        let shape = Shape { m: d.width().checked_div(hidden).unwrap_or(0), k: hidden, n: hidden };
        for step in (0..t).rev() {
            if step + 1 < t {
                let (dz_after, d) = d.two_rows(step + 1, step);
                let a = Left::rows(dz_after, hidden);
                Product { shape, a, b: wh, c: d, start: Start::C, end: End::Store, scratch: &mut [] }.run(s);
            }
            let h = part(h, step * width + 2 * pairs.start * hidden..);
            s.run(TanhBackward { d: d.row(step), h });
        }
    }
}

/// Backward: d (T*N,H), the gradient of h that comes from the layer above, becomes dz.
pub(crate) struct RecurrenceBackward<'a> {
    pub d: &'a mut [f32],
    /// (T*N,H)
    pub h: &'a [f32],
    /// Wh^T
    pub wh: Right<'a>,
    pub n: usize,
    pub t: usize,
    pub hidden: usize,
    /// [`packed_len`](super::packed_len) floats; none where Wh^T is packed.
    pub scratch: &'a mut [f32],
}

impl RecurrenceBackward<'_> {
    #[inline(always)]
    pub(crate) fn run<T: Team, S: Simd>(self, team: T, s: S) {
        let Self { d, h, wh, n, t, hidden, scratch } = self;
        let shape = Shape { m: n, k: hidden, n: hidden };
        let wh = wh.packed(s, shape, t, scratch);
        if let Some(dealt) = dealt(team, [n, t, hidden], d, t) {
            return team.run(&mut [], &|_| backward_rows(s, &dealt, h, wh, [t, n * hidden, hidden]));
        }
        // a few vectors of columns are one panel, which is row-major
        if S::LANES > 1
            && n == 1
            && let Right::Panels(wh) = wh
            && s.run(BackwardInRegisters { d: &mut *d, h, wh, hidden })
        {
            return;
        }
        let block = (n * hidden).max(1);
        let mut dz_after: &[f32] = &[];
        for (d, h) in d.chunks_exact_mut(block).zip(h.chunks_exact(block)).rev() {
            if !dz_after.is_empty() {
                let a = Left::rows(dz_after, hidden);
                Product { shape, a, b: wh, c: &mut *d, start: Start::C, end: End::Store, scratch: &mut [] }.run(s);
            }
            s.run(TanhBackward { d: &mut *d, h });
            dz_after = d;
        }
    }
}
