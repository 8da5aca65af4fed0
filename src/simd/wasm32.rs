//! What the vector paths of WebAssembly have in common.

use core::arch::wasm32::*;

/// Transposes four rows of four: pairs of rows by element, then by pair. The last of `lanes` rows is read in place of
/// those that are not there.
///
/// # Safety
/// As [`Simd::transpose_columns`](super::Simd::transpose_columns) of four lanes.
#[inline(always)]
pub(super) unsafe fn transpose_columns(to: *mut f32, to_row: usize, from: *const f32, from_row: usize, lanes: usize) {
    let row = |i: usize| from.wrapping_add(i.min(lanes - 1) * from_row).cast::<v128>();
    let to = |i: usize| to.wrapping_add(i * to_row).cast::<v128>();
    // SAFETY: the caller's rows; these loads and stores need no alignment.
    unsafe {
        let (a, b, c, d) = (v128_load(row(0)), v128_load(row(1)), v128_load(row(2)), v128_load(row(3)));
        let (ab, ab_high) = (i32x4_shuffle::<0, 4, 1, 5>(a, b), i32x4_shuffle::<2, 6, 3, 7>(a, b));
        let (cd, cd_high) = (i32x4_shuffle::<0, 4, 1, 5>(c, d), i32x4_shuffle::<2, 6, 3, 7>(c, d));
        v128_store(to(0), i64x2_shuffle::<0, 2>(ab, cd));
        v128_store(to(1), i64x2_shuffle::<1, 3>(ab, cd));
        v128_store(to(2), i64x2_shuffle::<0, 2>(ab_high, cd_high));
        v128_store(to(3), i64x2_shuffle::<1, 3>(ab_high, cd_high));
    }
}
