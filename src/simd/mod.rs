//! Vector operations: one small file per instruction set, behind one trait.
//!
//! An instruction set is a `Copy` token whose constructor returns `None` where the machine lacks it, so holding a
//! token is the proof that its instructions may be used, and the mathematics above needs no `unsafe`. Every
//! operation is an IEEE operation or a fixed sequence of them, the same in every lane of every token: that is what
//! makes the same bits on every machine. To add an instruction set, write its file and name it in [`Isa`].
#![allow(unsafe_code)]

// Of instruction sets that have vectors of doubles and no fused multiply-add.
#[cfg(any(
    all(target_arch = "x86_64", target_feature = "sse2"),
    all(target_arch = "wasm32", target_feature = "simd128", not(target_feature = "relaxed-simd"))
))]
mod doubles;
pub(crate) mod int8;
mod isa;
mod one_lane;
mod passes;

// The one-lane path of the target, its `Scalar`. A Cortex-M with an FPU has one of its own, and no other: of all
// bare-metal hard-float Arm targets only those of the M profile lack 64-bit atomics. Of an FPU below the ABI that
// passes floats in core registers stable compilers tell nothing: `--cfg rnnlm_fpu` does. With no processor that has one
// named (`-Ctarget-cpu`) the assembler refuses the instructions, so it can't be told wrongly.
#[cfg(all(
    target_arch = "arm",
    target_os = "none",
    any(target_abi = "eabihf", rnnlm_fpu),
    not(target_has_atomic = "64")
))]
mod cortex_m;
#[cfg(not(all(
    target_arch = "arm",
    target_os = "none",
    any(target_abi = "eabihf", rnnlm_fpu),
    not(target_has_atomic = "64")
)))]
mod portable;
#[cfg(all(
    target_arch = "arm",
    target_os = "none",
    any(target_abi = "eabihf", rnnlm_fpu),
    not(target_has_atomic = "64")
))]
pub(crate) use cortex_m::CortexM as Scalar;
#[cfg(not(all(
    target_arch = "arm",
    target_os = "none",
    any(target_abi = "eabihf", rnnlm_fpu),
    not(target_has_atomic = "64")
)))]
pub(crate) use portable::Portable as Scalar;

// Kernels and firmware are built without vector registers: for x86_64-unknown-none, say, or
// aarch64-unknown-none-softfloat.
#[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
mod neon;
#[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
mod relaxed_simd;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128", not(target_feature = "relaxed-simd")))]
mod simd128;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod wasm32;
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
mod x86;

// i686-unknown-uefi has neither SSE2 nor x87: its floats are computed by integers, exactly.
#[cfg(all(target_arch = "x86", not(target_feature = "sse2"), not(target_os = "uefi")))]
compile_error!(
    "rnnlm promises the same bits on every machine, and the x87 unit rounds otherwise than all the others: \
     build for a target with SSE2, such as i686-unknown-linux-gnu instead of i586-unknown-linux-gnu, \
     or with RUSTFLAGS=-Ctarget-feature=+sse2"
);

#[cfg(any(
    all(target_arch = "x86_64", target_feature = "sse2"),
    all(target_arch = "wasm32", target_feature = "simd128", not(target_feature = "relaxed-simd"))
))]
use doubles::{Doubles, Widened};
pub use isa::Isa;
pub(crate) use one_lane::OneLane;
pub(crate) use passes::{ExpConstants, Functions, Operands, Products};
#[cfg(test)]
pub(crate) use portable::Portable;

/// Reductions are written for sixteen virtual lanes (element i belongs to lane i mod 16), which every real vector
/// width divides, so their order does not depend on it.
pub(crate) const VIRTUAL_LANES: usize = 16;

/// 1.5 * 2^23: to add it rounds to an integer, ties to even, which the last bits of the sum then hold.
pub(crate) const ROUND: f32 = 12_582_912.0;

/// Whether an instruction set compiled in has more than one lane: one-lane paths read transposed operands in place,
/// wider ones pack them.
pub(crate) const PACKS: bool = WIDEST > 1;

/// The most lanes of an instruction set compiled in.
pub(crate) const WIDEST: usize = if cfg!(all(target_arch = "x86_64", target_feature = "sse2")) {
    16
} else if cfg!(any(
    all(target_arch = "aarch64", target_feature = "neon"),
    all(target_arch = "wasm32", target_feature = "simd128")
)) {
    4
} else {
    1
};

/// Whether [`Simd::large_cache`] may be true of an instruction set compiled in.
pub(crate) const LARGE_CACHES: bool = cfg!(all(target_arch = "x86_64", target_feature = "sse2"));

/// The vector operations that kernels are written in. All are lane-wise.
pub(crate) trait Simd: Copy + Sync {
    /// A vector of [`Self::LANES`] f32.
    type F: Copy;
    /// Its products; [`NoPasses`](passes::NoPasses) where there are none.
    type Products: Products;
    /// Its functions; [`NoPasses`](passes::NoPasses) where there are none.
    type Functions: Functions;
    /// Divides [`VIRTUAL_LANES`].
    const LANES: usize;
    /// How many registers the microkernel fills with accumulators: at least eight chains hide the latency of a fused
    /// multiply-add, and some registers must remain for the operands.
    const ACCUMULATORS: usize;
    /// How many vectors wide the microkernel's tile usually is.
    const TILE_VECTORS: usize;
    /// Whether lanes can be left out of loads and stores at no cost.
    const MASKS: bool = false;

    /// Whether [`Self::fma_half`] takes less time than [`Self::fma`] on this processor.
    #[inline(always)]
    fn halves(self) -> bool {
        false
    }
    /// Whether the second-level cache of a core is known to hold 2 MB.
    #[inline(always)]
    fn large_cache(self) -> bool {
        false
    }
    /// Its products, which take the place of a kernel's own loops.
    #[inline(always)]
    fn products(self) -> Option<Self::Products> {
        None
    }
    /// Its functions, which take the place of a kernel's own loops.
    #[inline(always)]
    fn functions(self) -> Option<Self::Functions> {
        None
    }
    /// Runs a kernel as a function of its own that is compiled for this instruction set.
    fn run<K: Kernel>(self, kernel: K) -> K::Output;

    fn splat(self, x: f32) -> Self::F;
    /// The first `LANES` elements; zeros beyond the end of the slice.
    fn load(self, x: &[f32]) -> Self::F;
    /// Writes the first `LANES` elements, or as many as the slice has.
    fn store(self, to: &mut [f32], x: Self::F);
    /// [`Self::load`] for a slice that is usually shorter than a vector.
    fn load_partial(self, x: &[f32]) -> Self::F;
    /// [`Self::store`] for a slice that is usually shorter than a vector.
    fn store_partial(self, to: &mut [f32], x: Self::F);

    /// Prefetches the cache line at an address, which need not be one that may be read.
    #[inline(always)]
    fn prefetch(self, _at: *const f32) {}

    fn add(self, a: Self::F, b: Self::F) -> Self::F;
    fn sub(self, a: Self::F, b: Self::F) -> Self::F;
    fn mul(self, a: Self::F, b: Self::F) -> Self::F;
    fn div(self, a: Self::F, b: Self::F) -> Self::F;
    /// a * b + c, rounded once.
    fn fma(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    /// [`Self::fma`] of the lower half of the lanes; the others may then be anything.
    #[inline(always)]
    fn fma_half(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        self.fma(a, b, c)
    }
    /// c - a * b, rounded once.
    fn nfma(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    /// a where a > b, else b (so b where either is NaN).
    fn max(self, a: Self::F, b: Self::F) -> Self::F;
    /// a where a < b, else b (so b where either is NaN).
    fn min(self, a: Self::F, b: Self::F) -> Self::F;
    fn abs(self, a: Self::F) -> Self::F;
    /// The magnitude of a with the sign of `sign`.
    fn with_sign_of(self, a: Self::F, sign: Self::F) -> Self::F;
    /// a * 2^n, rounded once, for integral n in -252..=254 and finite a in [0.5, 2).
    fn scale(self, a: Self::F, n: Self::F) -> Self::F;
    /// a * 2^n where a and that are normal numbers, for integral n given as n + [`ROUND`]: its last bits are n and are
    /// added to the exponent field of a. Zero where a is a power of two and that is 2^-127. NaN may become a number.
    fn scale_normal(self, a: Self::F, shifted: Self::F) -> Self::F;

    /// Transposes the first `columns` elements, four or LANES, of each of `lanes` rows of `from`, 1 to LANES, into
    /// `columns` rows of LANES elements of `to`, whose elements from `lanes` on may then be anything. `to_row` and
    /// `from_row` are the strides of rows. Nothing is done where one of the slices is shorter. It packs operands, and
    /// checks their length once for all rows.
    #[inline(always)]
    fn transpose_block(
        self,
        to: &mut [f32],
        to_row: usize,
        from: &[f32],
        from_row: usize,
        [lanes, columns]: [usize; 2],
    ) {
        let sizes_fit = columns > 0 && columns % 4 == 0 && 0 < lanes && lanes <= Self::LANES;
        if !sizes_fit || !reaches(from, from_row, lanes, columns) || !reaches(to, to_row, columns, Self::LANES) {
            return;
        }
        for column in (0..columns).step_by(4) {
            // SAFETY: 1 <= lanes <= LANES; the rows, `lanes` of `columns` elements and `columns` of LANES, are there,
            // and `columns` is a multiple of four; no other reference to those of `to` lives.
            unsafe {
                let (to, from) = (to.as_mut_ptr().add(column * to_row), from.as_ptr().add(column));
                self.transpose_columns(to, to_row, from, from_row, lanes);
            }
        }
    }
    /// Transposes the first four elements of each of VECTORS * LANES rows of `from`, with `from_row` as stride, into
    /// four contiguous rows of `to`. Nothing is done where one of the slices is shorter.
    #[inline(always)]
    fn transpose_four<const VECTORS: usize>(self, to: &mut [f32], from: &[f32], from_row: usize) {
        let n = VECTORS * Self::LANES;
        if to.len() < 4 * n || !reaches(from, from_row, n, 4) {
            return;
        }
        for left in (0..n).step_by(Self::LANES) {
            // SAFETY: n rows of four elements are there, and four of n; left + LANES <= n; no other reference to those
            // of `to` lives.
            unsafe {
                let (to, from) = (to.as_mut_ptr().add(left), from.as_ptr().add(left * from_row));
                self.transpose_columns(to, n, from, from_row, Self::LANES);
            }
        }
    }
    /// Transposes the first four elements of each of `lanes` rows of `from`, 1 to LANES, into four rows of LANES, whose
    /// elements from `lanes` on may then be anything. Not called where there is one lane.
    ///
    /// # Safety
    /// `lanes` is 1 to LANES; four elements are there in each of `lanes` rows of `from`, and LANES in each of four rows
    /// of `to`, and nothing else refers to the latter.
    unsafe fn transpose_columns(self, to: *mut f32, to_row: usize, from: *const f32, from_row: usize, lanes: usize);

    /// The sums of rows of int8 times int16: see [`int8`]. x in -32,768..=32,639.
    #[inline(always)]
    fn dot_rows(self, rows: &[u8], x: &[i16], sums: &mut [i32]) {
        int8::portable(rows, x, sums);
    }
    /// Each sum with its bias, an i32, times its scale, an f32 that is finite: [`Self::scaled`] of all. The bytes are
    /// little-endian. Gives the largest.
    #[inline(always)]
    fn scale_sums(self, sums: &mut [i32], biases: &[[u8; 4]], scales: &[[u8; 4]]) -> i32 {
        for ((sum, &bias), &scale) in sums.iter_mut().zip(biases).zip(scales) {
            *sum = self.scaled(sum.wrapping_add(i32::from_le_bytes(bias)), f32::from_le_bytes(scale));
        }
        // apart: a small core would keep it in memory meanwhile
        sums.iter().fold(i32::MIN, |max, &x| max.max(x))
    }
    /// See [`int8::scaled`].
    #[inline(always)]
    fn scaled(self, sum: i32, factor: f32) -> i32 {
        int8::scaled(sum, factor)
    }
    /// See [`int8::scaled_sums`].
    #[inline(always)]
    fn scaled_sums(self, sums: [i32; 2], factors: [f32; 3]) -> i32 {
        int8::scaled_sums(sums, factors)
    }
    /// See [`int8::share`].
    #[inline(always)]
    fn share(self, part: i32, share: f32) -> f32 {
        int8::share(part, share)
    }

    /// See [`int8::powers::exponentials`].
    #[inline(always)]
    fn exponentials(self, x: &mut [i32], max: i32) -> u64 {
        int8::powers::exponentials(x, max)
    }

    /// a * b + c of three scalars, rounded once.
    fn fma_one(self, a: f32, b: f32, c: f32) -> f32;
}

/// Whether a slice holds `count` rows, above 0, of so many elements, with `row` as stride.
#[inline(always)]
fn reaches(x: &[f32], row: usize, count: usize, elements: usize) -> bool {
    row.saturating_mul(count - 1).saturating_add(elements) <= x.len()
}

/// Work that is compiled once per instruction set. `call` is `#[inline(always)]` in every
/// implementation: [`Simd::run`] is the function that carries the target features.
pub(crate) trait Kernel {
    type Output;
    fn call<S: Simd>(self, s: S) -> Self::Output;
}

#[cfg(test)]
mod tests;
