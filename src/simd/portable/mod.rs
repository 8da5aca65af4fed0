//! Scalar code with an exact fma: runs on every target and is the oracle of every other path.

mod chains;
mod fma;
mod scaling;

use self::{
    chains::Chains,
    fma::{FUSED, IN_INTEGERS, fma},
};
use super::{Kernel, OneLane, int8, passes::NoPasses};

/// The portable "instruction set": one lane, no intrinsics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Portable;

impl OneLane for Portable {
    const NAME: &'static str = "portable";
    type Products = Chains;
    type Functions = NoPasses;
    // RISC-V has 32 floating-point registers; where a multiply-add is a function, more would only take flash
    const ACCUMULATORS: usize = if FUSED { 16 } else { 4 };
    const TILE_VECTORS: usize = if FUSED { 4 } else { 2 };

    #[inline(always)]
    fn products(self) -> Option<Chains> {
        IN_INTEGERS.then_some(Chains)
    }
    #[inline(always)]
    fn functions(self) -> Option<NoPasses> {
        None
    }
    fn enter<K: Kernel>(self, kernel: K) -> K::Output {
        kernel.call(self)
    }
    // as short as can be where a vector path is nearly always there
    #[cfg_attr(all(target_arch = "wasm32", target_feature = "simd128"), inline(never))]
    #[cfg_attr(not(all(target_arch = "wasm32", target_feature = "simd128")), inline(always))]
    fn fma(self, a: f32, b: f32, c: f32) -> f32 {
        fma(a, b, c)
    }
    #[inline(always)]
    fn nfma(self, a: f32, b: f32, c: f32) -> f32 {
        OneLane::fma(self, -a, b, c)
    }

    #[cfg(all(target_arch = "arm", target_os = "none", not(target_has_atomic = "32")))]
    #[inline(always)]
    fn dot_rows(rows: &[u8], x: &[i16], sums: &mut [i32]) {
        int8::thumb::dot_rows(rows, x, sums);
    }
    #[inline(always)]
    fn scaled(sum: i32, factor: f32) -> i32 {
        if IN_INTEGERS { scaling::scaled(sum, factor) } else { int8::scaled(sum, factor) }
    }
    #[inline(always)]
    fn scaled_sums(sums: [i32; 2], factors: [f32; 3]) -> i32 {
        if IN_INTEGERS { scaling::scaled_sums(sums, factors) } else { int8::scaled_sums(sums, factors) }
    }
    #[inline(always)]
    fn share(part: i32, share: f32) -> f32 {
        if IN_INTEGERS { scaling::share(part, share) } else { int8::share(part, share) }
    }

    fn copy(to: &mut [f32], from: &[f32]) {
        to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
    }
    fn clear(x: &mut [f32]) {
        x.fill(0.0);
    }
    fn position_of_bits(x: &[f32], from: usize, least: i32) -> usize {
        let rest = x.get(from..).unwrap_or_default();
        from + rest.iter().position(|x| x.to_bits() as i32 >= least).unwrap_or(rest.len())
    }
}
