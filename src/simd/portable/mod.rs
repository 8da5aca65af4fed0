//! Scalar code with the exact software fma: runs on every target and is the oracle of every other path.

mod fma;

pub(crate) use self::Portable as Scalar;
use self::fma::fma;
use super::{Kernel, Simd};

/// The portable "instruction set": one lane, no intrinsics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Portable;

impl Portable {
    pub(crate) const NAME: &str = "portable";

    /// to = from; the shorter one ends it.
    pub(crate) fn copy(to: &mut [f32], from: &[f32]) {
        to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
    }
    /// x = 0.
    pub(crate) fn clear(x: &mut [f32]) {
        x.fill(0.0);
    }
    /// The place of the first element, not before `from`, whose bits are an integer not below `least`; at least the length where
    /// there is none.
    pub(crate) fn position_of_bits(x: &[f32], from: usize, least: i32) -> usize {
        let rest = x.get(from..).unwrap_or_default();
        from + rest.iter().position(|x| x.to_bits() as i32 >= least).unwrap_or(rest.len())
    }
}

impl Simd for Portable {
    type F = f32;
    const LANES: usize = 1;
    const ACCUMULATORS: usize = 4;
    const TILE_VECTORS: usize = 2;

    fn run<K: Kernel>(self, kernel: K) -> K::Output {
        kernel.call(self)
    }

    #[inline(always)]
    fn splat(self, x: f32) -> f32 {
        x
    }
    #[inline(always)]
    fn load(self, x: &[f32]) -> f32 {
        x.first().copied().unwrap_or(0.0)
    }
    #[inline(always)]
    fn store(self, to: &mut [f32], x: f32) {
        if let Some(to) = to.first_mut() {
            *to = x;
        }
    }
    #[inline(always)]
    fn load_partial(self, x: &[f32]) -> f32 {
        self.load(x)
    }
    #[inline(always)]
    fn store_partial(self, to: &mut [f32], x: f32) {
        self.store(to, x);
    }
    #[inline(always)]
    fn add(self, a: f32, b: f32) -> f32 {
        a + b
    }
    #[inline(always)]
    fn sub(self, a: f32, b: f32) -> f32 {
        a - b
    }
    #[inline(always)]
    fn mul(self, a: f32, b: f32) -> f32 {
        a * b
    }
    #[inline(always)]
    fn div(self, a: f32, b: f32) -> f32 {
        a / b
    }
    #[inline(always)]
    fn fma(self, a: f32, b: f32, c: f32) -> f32 {
        fma(a, b, c)
    }
    #[inline(always)]
    fn nfma(self, a: f32, b: f32, c: f32) -> f32 {
        fma(-a, b, c)
    }
    #[inline(always)]
    fn max(self, a: f32, b: f32) -> f32 {
        if a > b { a } else { b }
    }
    #[inline(always)]
    fn min(self, a: f32, b: f32) -> f32 {
        if a < b { a } else { b }
    }
    #[inline(always)]
    fn abs(self, a: f32) -> f32 {
        f32::from_bits(a.to_bits() & 0x7fff_ffff)
    }
    #[inline(always)]
    fn with_sign_of(self, a: f32, sign: f32) -> f32 {
        f32::from_bits((a.to_bits() & 0x7fff_ffff) | (sign.to_bits() & 0x8000_0000))
    }
    #[inline(always)]
    fn scale_normal(self, a: f32, shifted: f32) -> f32 {
        f32::from_bits(a.to_bits().wrapping_add(shifted.to_bits() << 23))
    }
    #[inline(always)]
    fn scale(self, a: f32, n: f32) -> f32 {
        let n = n as i32;
        let half = n >> 1;
        a * power_of_two(half) * power_of_two(n.wrapping_sub(half))
    }
    #[inline(always)]
    unsafe fn transpose_columns(self, _: *mut f32, _: usize, _: *const f32, _: usize, _: usize) {}
    #[inline(always)]
    fn fma_one(self, a: f32, b: f32, c: f32) -> f32 {
        fma(a, b, c)
    }
}

/// 2^n for n in -126..=127, written into the exponent field.
#[inline(always)]
fn power_of_two(n: i32) -> f32 {
    f32::from_bits((n as u32).wrapping_add(127) << 23)
}
