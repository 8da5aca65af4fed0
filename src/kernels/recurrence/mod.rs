//! The recurrence of the model over all T steps of N rows of text, forward and backward.
//!
//! ```text
//! forward    z_t = z_t + h_{t-1} Wh              h_t = tanh z_t, in the place of z_t
//! backward   d_t = d_t + dz_{t+1} Wh^T           dz_t = d_t (1 - h_t²), in the place of d_t
//! ```
//!
//! In general a step is a product and a pass. The steps of a single row wait for each other, so there all steps run in
//! one loop that keeps the chains in registers (`in_registers.rs`). While that loop waits for itself, it packs the
//! transposed weights of the backward pass (`pack_transposes.rs`). All ways give the same bits.

mod in_registers;
mod pack_transposes;

use in_registers::{BackwardInRegisters, InRegisters};
pub(crate) use pack_transposes::{PackTransposes, Transposes, packed_transposes, transposes_len};

use super::{
    elementwise::{TanhBackward, part_mut},
    exp::Tanh,
    gemm::{End, Left, Product, Right, Shape, Start},
};
use crate::simd::Simd;

/// Forward: z (T*N,H) becomes h.
pub(crate) struct Recurrence<'a> {
    /// h_0 (N,H)
    pub before: &'a [f32],
    pub z: &'a mut [f32],
    /// Row-major (H,H).
    pub wh: &'a [f32],
    pub n: usize,
    pub t: usize,
    pub hidden: usize,
    /// To be done during it, if a single row keeps its chains in registers.
    pub overlap: Option<PackTransposes<'a>>,
}

impl Recurrence<'_> {
    #[inline(always)]
    pub(crate) fn run<S: Simd>(self, s: S) {
        let Self { before, z, wh, n, t, hidden, overlap } = self;
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
        let shape = Shape { m: n, k: hidden, n: hidden };
        let (mut h_before, mut rest) = (before, z);
        for _ in 0..t {
            let Some((z, after)) = rest.split_at_mut_checked(n * hidden) else { return };
            let (a, b) = (Left::rows(h_before, hidden), Right::Rows(wh));
            Product { shape, a, b, c: &mut *z, start: Start::C, end: End::Store, scratch: &mut [] }.run(s);
            s.run(Tanh(&mut *z));
            (h_before, rest) = (z, after);
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
    pub hidden: usize,
    /// [`packed_len`](super::packed_len) floats; none where Wh^T is packed.
    pub scratch: &'a mut [f32],
}

impl RecurrenceBackward<'_> {
    #[inline(always)]
    pub(crate) fn run<S: Simd>(self, s: S) {
        let Self { d, h, wh, n, hidden, scratch } = self;
        let shape = Shape { m: n, k: hidden, n: hidden };
        let wh = wh.packed(s, shape, scratch);
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
