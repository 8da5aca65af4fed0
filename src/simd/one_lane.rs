//! What the paths of one lane share: most operations of [`Simd`] on a single f32 are Rust's own.

use super::{Functions, Kernel, Products, Simd, int8};

/// An instruction set of one lane. What it has to bring is here; [`Simd`] follows from it.
pub(crate) trait OneLane: Copy + Sync {
    /// The name that [`Isa::by_name`](crate::Isa::by_name) knows.
    const NAME: &'static str;
    /// As [`Simd::Products`].
    type Products: Products;
    /// As [`Simd::Functions`].
    type Functions: Functions;
    /// As [`Simd::ACCUMULATORS`].
    const ACCUMULATORS: usize = 4;
    /// As [`Simd::TILE_VECTORS`].
    const TILE_VECTORS: usize = 2;

    /// As [`Simd::products`].
    fn products(self) -> Option<Self::Products>;
    /// As [`Simd::functions`].
    fn functions(self) -> Option<Self::Functions>;
    /// As [`Simd::run`].
    fn enter<K: Kernel>(self, kernel: K) -> K::Output;
    /// As [`Simd::fma`].
    fn fma(self, a: f32, b: f32, c: f32) -> f32;
    /// As [`Simd::nfma`].
    fn nfma(self, a: f32, b: f32, c: f32) -> f32;

    /// As [`Simd::dot_rows`].
    #[inline(always)]
    fn dot_rows(rows: &[u8], x: &[i16], sums: &mut [i32]) {
        int8::portable(rows, x, sums);
    }
    /// As [`Simd::scaled`].
    #[inline(always)]
    fn scaled(sum: i32, factor: f32) -> i32 {
        int8::scaled(sum, factor)
    }
    /// As [`Simd::scaled_sums`].
    #[inline(always)]
    fn scaled_sums(sums: [i32; 2], factors: [f32; 3]) -> i32 {
        int8::scaled_sums(sums, factors)
    }
    /// As [`Simd::share`].
    #[inline(always)]
    fn share(part: i32, share: f32) -> f32 {
        int8::share(part, share)
    }
    /// to = from; the shorter one ends it.
    fn copy(to: &mut [f32], from: &[f32]);
    /// x = 0.
    fn clear(x: &mut [f32]);
    /// The place of the first element, not before `from`, whose bits are an integer not below `least`; at least the
    /// length where there is none.
    fn position_of_bits(x: &[f32], from: usize, least: i32) -> usize;
}

impl<T: OneLane> Simd for T {
    type F = f32;
    type Products = <T as OneLane>::Products;
    type Functions = <T as OneLane>::Functions;
    const LANES: usize = 1;
    const ACCUMULATORS: usize = <T as OneLane>::ACCUMULATORS;
    const TILE_VECTORS: usize = <T as OneLane>::TILE_VECTORS;

    #[inline(always)]
    fn products(self) -> Option<Self::Products> {
        OneLane::products(self)
    }
    #[inline(always)]
    fn functions(self) -> Option<Self::Functions> {
        OneLane::functions(self)
    }
    #[inline(always)]
    fn run<K: Kernel>(self, kernel: K) -> K::Output {
        self.enter(kernel)
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
        OneLane::fma(self, a, b, c)
    }
    #[inline(always)]
    fn nfma(self, a: f32, b: f32, c: f32) -> f32 {
        OneLane::nfma(self, a, b, c)
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
    // A single lane needs no packing.
    #[inline(always)]
    unsafe fn transpose_columns(self, _: *mut f32, _: usize, _: *const f32, _: usize, _: usize) {}
    #[inline(always)]
    fn dot_rows(self, rows: &[u8], x: &[i16], sums: &mut [i32]) {
        T::dot_rows(rows, x, sums);
    }
    #[inline(always)]
    fn scaled(self, sum: i32, factor: f32) -> i32 {
        T::scaled(sum, factor)
    }
    #[inline(always)]
    fn scaled_sums(self, sums: [i32; 2], factors: [f32; 3]) -> i32 {
        T::scaled_sums(sums, factors)
    }
    #[inline(always)]
    fn share(self, part: i32, share: f32) -> f32 {
        T::share(part, share)
    }
    #[inline(always)]
    fn fma_one(self, a: f32, b: f32, c: f32) -> f32 {
        OneLane::fma(self, a, b, c)
    }
}

/// 2^n for n in -126..=127, written into the exponent field.
#[inline(always)]
fn power_of_two(n: i32) -> f32 {
    f32::from_bits((n as u32).wrapping_add(127) << 23)
}
