//! Four lanes where vectors have no fused multiply-add: each number is held as a double, two vectors of two.
//!
//! A product of two f32 is exact as a double, so that a multiply-add rounds in the addition alone: to a double and then
//! to f32. The second rounding goes wrong only where the double stands on a midpoint between two f32 and the exact sum
//! doesn't. Then the low 28 bits of the double are zero, which one comparison of four lanes finds, and the double is
//! rounded to odd instead: one step towards the exact sum if its last bit is 0 (Boldo and Melquiond, Emulation of FMA
//! and correctly rounded sums, IEEE Transactions on Computers 57(4), 2008). So every lane has the bits of `portable`.
//!
//! Every value between operations is an f32, so each operation rounds to f32 at its end; for sums, products and
//! quotients of two f32 the two roundings are as good as one, since 53 >= 2 * 24 + 2.

use super::{Kernel, OneLane, Scalar, Simd, passes::NoPasses};

/// An instruction set with vectors of two doubles. What it has to bring is here; [`Simd`] follows from it.
pub(crate) trait Doubles: Copy + Sync {
    /// Two doubles.
    type D: Copy;

    /// Runs a kernel as a function of its own.
    fn enter<K: Kernel>(kernel: K, token: Widened<Self>) -> K::Output;

    fn splat(self, x: f64) -> Self::D;
    fn load(self, x: &[f32; 4]) -> [Self::D; 2];
    /// Rounds to f32.
    fn store(self, to: &mut [f32; 4], x: [Self::D; 2]);
    /// Rounded to f32 and widened again.
    fn rounded(self, x: Self::D) -> Self::D;

    fn add(self, a: Self::D, b: Self::D) -> Self::D;
    fn sub(self, a: Self::D, b: Self::D) -> Self::D;
    fn mul(self, a: Self::D, b: Self::D) -> Self::D;
    fn div(self, a: Self::D, b: Self::D) -> Self::D;
    /// As [`Simd::max`].
    fn max(self, a: Self::D, b: Self::D) -> Self::D;
    /// As [`Simd::min`].
    fn min(self, a: Self::D, b: Self::D) -> Self::D;
    /// All bits where a < b, else none.
    fn less(self, a: Self::D, b: Self::D) -> Self::D;

    fn and(self, a: Self::D, b: Self::D) -> Self::D;
    /// The bits of b that a lacks.
    fn without(self, a: Self::D, b: Self::D) -> Self::D;
    fn or(self, a: Self::D, b: Self::D) -> Self::D;
    /// b with the bits of a flipped.
    fn flipped(self, a: Self::D, b: Self::D) -> Self::D;
    /// Sums of the bits as integers.
    fn add_bits(self, a: Self::D, b: Self::D) -> Self::D;
    fn sub_bits(self, a: Self::D, b: Self::D) -> Self::D;
    /// The bits moved into the field of the exponent, 52 places up.
    fn to_exponent(self, a: Self::D) -> Self::D;
    /// Whether the low 28 bits of one of the four are zero.
    fn any_on_midpoint(self, x: [Self::D; 2]) -> bool;

    /// Transposes four rows of four, `row` apart, the last of `lanes` rows being read in place of those that are not
    /// there.
    ///
    /// # Safety
    /// As [`Simd::transpose_columns`].
    unsafe fn transpose_columns(self, to: *mut f32, to_row: usize, from: *const f32, from_row: usize, lanes: usize);
}

/// The token of an instruction set that computes on doubles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Widened<T>(pub(super) T);

/// 1.5 * 2^52: to add it rounds to an integer, which the last bits of the sum then hold.
const ROUND_DOUBLE: f64 = 6_755_399_441_055_744.0;

impl<T: Doubles> Widened<T> {
    /// One operation of doubles on each half, rounded to f32.
    #[inline(always)]
    fn rounded(self, of: impl Fn(usize) -> T::D) -> [T::D; 2] {
        [self.0.rounded(of(0)), self.0.rounded(of(1))]
    }
    /// The sums of doubles, rounded to odd where their last bit is 0. A function of its own: inlined into each
    /// multiply-add it would be most of the code. But engines of WebAssembly don't know that the call is rare, and keep
    /// in memory what lives on behind it.
    #[cfg_attr(not(target_arch = "wasm32"), cold, inline(never))]
    #[cfg_attr(target_arch = "wasm32", inline(always))]
    fn to_odd(self, products: [T::D; 2], addends: [T::D; 2], sums: [T::D; 2]) -> [T::D; 2] {
        let t = self.0;
        let zero = t.splat(0.0);
        let one = |product: T::D, addend: T::D, sum: T::D| {
            // TwoSum (Knuth): sum + error is exactly product + addend. NaN where the sum is infinite.
            let part = t.sub(sum, product);
            let error = t.add(t.sub(product, t.sub(sum, part)), t.sub(addend, part));
            // away from zero where the error has the sign of the sum
            let side = t.mul(error, sum);
            let step = t.without(sum, t.splat(f64::from_bits(1)));
            let up = t.and(step, t.less(zero, side));
            let down = t.and(step, t.less(side, zero));
            t.sub_bits(t.add_bits(sum, up), down)
        };
        [one(products[0], addends[0], sums[0]), one(products[1], addends[1], sums[1])]
    }
    /// 2^n for integral n.
    #[inline(always)]
    fn power_of_two(self, n: T::D) -> T::D {
        let biased = self.0.add(n, self.0.splat(ROUND_DOUBLE + 1023.0));
        self.0.to_exponent(biased)
    }
}

impl<T: Doubles> Simd for Widened<T> {
    type F = [T::D; 2];
    type Products = NoPasses;
    type Functions = NoPasses;
    const LANES: usize = 4;
    const ACCUMULATORS: usize = 4;
    const TILE_VECTORS: usize = 2;

    #[inline(always)]
    fn run<K: Kernel>(self, kernel: K) -> K::Output {
        T::enter(kernel, self)
    }

    #[inline(always)]
    fn splat(self, x: f32) -> Self::F {
        [self.0.splat(f64::from(x)); 2]
    }
    #[inline(always)]
    fn load(self, x: &[f32]) -> Self::F {
        match x.first_chunk() {
            Some(x) => self.0.load(x),
            None => self.load_partial(x),
        }
    }
    #[inline(always)]
    fn store(self, to: &mut [f32], x: Self::F) {
        match to.first_chunk_mut() {
            Some(to) => self.0.store(to, x),
            None => self.store_partial(to, x),
        }
    }
    #[inline(always)]
    fn load_partial(self, x: &[f32]) -> Self::F {
        let mut lanes = [0.0; 4];
        lanes.iter_mut().zip(x).for_each(|(to, x)| *to = *x);
        self.0.load(&lanes)
    }
    #[inline(always)]
    fn store_partial(self, to: &mut [f32], x: Self::F) {
        let mut lanes = [0.0; 4];
        self.0.store(&mut lanes, x);
        to.iter_mut().zip(lanes).for_each(|(to, x)| *to = x);
    }
    #[inline(always)]
    fn add(self, a: Self::F, b: Self::F) -> Self::F {
        self.rounded(|i| self.0.add(a[i], b[i]))
    }
    #[inline(always)]
    fn sub(self, a: Self::F, b: Self::F) -> Self::F {
        self.rounded(|i| self.0.sub(a[i], b[i]))
    }
    #[inline(always)]
    fn mul(self, a: Self::F, b: Self::F) -> Self::F {
        self.rounded(|i| self.0.mul(a[i], b[i]))
    }
    #[inline(always)]
    fn div(self, a: Self::F, b: Self::F) -> Self::F {
        self.rounded(|i| self.0.div(a[i], b[i]))
    }
    #[inline(always)]
    fn fma(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        let products = [self.0.mul(a[0], b[0]), self.0.mul(a[1], b[1])];
        let mut sums = [self.0.add(products[0], c[0]), self.0.add(products[1], c[1])];
        if self.0.any_on_midpoint(sums) {
            sums = self.to_odd(products, c, sums);
        }
        self.rounded(|i| sums[i])
    }
    #[inline(always)]
    fn nfma(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        let sign = self.0.splat(-0.0);
        self.fma([self.0.flipped(sign, a[0]), self.0.flipped(sign, a[1])], b, c)
    }
    #[inline(always)]
    fn max(self, a: Self::F, b: Self::F) -> Self::F {
        [self.0.max(a[0], b[0]), self.0.max(a[1], b[1])]
    }
    #[inline(always)]
    fn min(self, a: Self::F, b: Self::F) -> Self::F {
        [self.0.min(a[0], b[0]), self.0.min(a[1], b[1])]
    }
    #[inline(always)]
    fn abs(self, a: Self::F) -> Self::F {
        let sign = self.0.splat(-0.0);
        [self.0.without(sign, a[0]), self.0.without(sign, a[1])]
    }
    #[inline(always)]
    fn with_sign_of(self, a: Self::F, sign: Self::F) -> Self::F {
        let bit = self.0.splat(-0.0);
        let both = |i: usize| self.0.or(self.0.without(bit, a[i]), self.0.and(bit, sign[i]));
        [both(0), both(1)]
    }
    #[inline(always)]
    fn scale(self, a: Self::F, n: Self::F) -> Self::F {
        self.rounded(|i| self.0.mul(a[i], self.power_of_two(n[i])))
    }
    #[inline(always)]
    fn scale_normal(self, a: Self::F, shifted: Self::F) -> Self::F {
        let (round, least) = (self.0.splat(f64::from(super::ROUND)), self.0.splat(f64::from(f32::MIN_POSITIVE)));
        let scaled = |i: usize| {
            let product = self.0.mul(a[i], self.power_of_two(self.0.sub(shifted[i], round)));
            let magnitude = self.0.without(self.0.splat(-0.0), product);
            self.0.without(self.0.less(magnitude, least), product)
        };
        [scaled(0), scaled(1)]
    }
    #[inline(always)]
    unsafe fn transpose_columns(self, to: *mut f32, to_row: usize, from: *const f32, from_row: usize, lanes: usize) {
        // SAFETY: the caller's rows.
        unsafe { self.0.transpose_columns(to, to_row, from, from_row, lanes) }
    }
    #[inline(always)]
    fn fma_one(self, a: f32, b: f32, c: f32) -> f32 {
        OneLane::fma(Scalar, a, b, c)
    }
}
