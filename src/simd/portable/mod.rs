//! Scalar code with the exact software fma: runs on every target and is the oracle of every other path.

mod fma;

use self::fma::fma;
use super::{Kernel, OneLane, passes::NoPasses};

/// The portable "instruction set": one lane, no intrinsics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Portable;

impl OneLane for Portable {
    const NAME: &'static str = "portable";
    type Passes = NoPasses;

    #[inline(always)]
    fn passes(self) -> Option<NoPasses> {
        None
    }
    fn enter<K: Kernel>(self, kernel: K) -> K::Output {
        kernel.call(self)
    }
    #[inline(always)]
    fn fma(self, a: f32, b: f32, c: f32) -> f32 {
        fma(a, b, c)
    }
    #[inline(always)]
    fn nfma(self, a: f32, b: f32, c: f32) -> f32 {
        fma(-a, b, c)
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
