//! Products of int8 weights: rows of int8 times a vector of int16, each sum exact in an i32.
//!
//! ```text
//! sums[r] = sum over k of w[r][k] x[k]
//! ```
//!
//! Integer sums are exact in any order, so each instruction set adds along k as it likes, and all give the same
//! numbers. That no partial sum leaves an i32 is the caller's to see to; where it does, all wrap around alike.
//!
//! A path is one function over complete rows. None needs rows that are padded or aligned: what is left of a row behind
//! its last block is taken by one more block that ends with the row, against a vector that is zero where the blocks
//! overlap.

use core::slice;

pub(crate) mod powers;

#[cfg(all(
    target_arch = "arm",
    target_os = "none",
    any(target_abi = "eabihf", rnnlm_fpu),
    not(target_has_atomic = "64")
))]
pub(super) mod cortex_m;
#[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
pub(super) mod neon;
// Of bare-metal Arm targets those without 32-bit atomics have the first of the Thumb instruction sets.
#[cfg(all(target_arch = "arm", target_os = "none", not(target_has_atomic = "32")))]
pub(super) mod thumb;
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
pub(super) mod vnni;
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
pub(super) mod x86;

/// The sums of rows of plain integers. `x` has as many elements as a row; rows that are not there leave their sums.
#[inline(always)]
pub(crate) fn portable(rows: &[u8], x: &[i16], sums: &mut [i32]) {
    let mut rest = rows;
    for sum in sums {
        let Some((row, after)) = rest.split_at_checked(x.len()) else { return };
        // four at a time: on a small core the loop costs as much as a product
        let ((ws, last_ws), (xs, last_xs)) = (row.as_chunks::<4>(), x.as_chunks::<4>());
        let product = |w: u8, x: i16| i32::from(w as i8) * i32::from(x);
        let mut total = 0_i32;
        for (&[a, b, c, d], &[i, j, k, l]) in ws.iter().zip(xs) {
            let first = product(a, i).wrapping_add(product(b, j));
            total = total.wrapping_add(first).wrapping_add(product(c, k)).wrapping_add(product(d, l));
        }
        for (&w, &x) in last_ws.iter().zip(last_xs) {
            total = total.wrapping_add(product(w, x));
        }
        *sum = total;
        rest = after;
    }
}

/// A sum times a factor, towards zero; what is too large is the largest, and 0 stands for no number.
#[inline(always)]
pub(crate) fn scaled(sum: i32, factor: f32) -> i32 {
    (sum as f32 * factor) as i32
}

/// x (x_scale factor) + h h_scale, as [`scaled`].
#[inline(always)]
pub(crate) fn scaled_sums([x, h]: [i32; 2], [x_scale, factor, h_scale]: [f32; 3]) -> i32 {
    (x as f32 * (x_scale * factor) + h as f32 * h_scale) as i32
}

/// part share
#[inline(always)]
pub(crate) fn share(part: i32, share: f32) -> f32 {
    part as f32 * share
}

/// How many complete rows there are, for as many sums.
#[cfg(any(
    all(target_arch = "x86_64", target_feature = "sse2"),
    all(target_arch = "aarch64", target_feature = "neon"),
    all(target_arch = "arm", target_os = "none", any(target_abi = "eabihf", rnnlm_fpu), not(target_has_atomic = "64")),
    all(target_arch = "arm", target_os = "none", not(target_has_atomic = "32"))
))]
#[inline(always)]
pub(super) fn complete_rows(rows: &[u8], x: &[i16], sums: &[i32]) -> usize {
    rows.len().checked_div(x.len()).map_or(0, |count| count.min(sums.len()))
}

/// The last `BLOCK` elements of `x`, zero but for the `left` last ones.
#[cfg(any(
    all(target_arch = "x86_64", target_feature = "sse2"),
    all(target_arch = "aarch64", target_feature = "neon")
))]
#[inline(always)]
pub(super) fn last_block<const BLOCK: usize>(x: &[i16], left: usize) -> [i16; BLOCK] {
    let mut block = [0; BLOCK];
    block.iter_mut().rev().zip(x.iter().rev()).take(left).for_each(|(to, &x)| *to = x);
    block
}

/// The memory of floats as integers of the same size.
#[inline(always)]
pub(crate) fn as_integers_mut(floats: &mut [f32]) -> &mut [i32] {
    // SAFETY: both are four bytes with the same alignment, every bit pattern is either, and the memory stays borrowed.
    unsafe { slice::from_raw_parts_mut(floats.as_mut_ptr().cast(), floats.len()) }
}

/// [`as_integers_mut`], to be read.
#[inline(always)]
pub(crate) fn as_integers(floats: &[f32]) -> &[i32] {
    // SAFETY: as in `as_integers_mut`.
    unsafe { slice::from_raw_parts(floats.as_ptr().cast(), floats.len()) }
}

/// The memory of floats as twice as many integers of half the size.
#[inline(always)]
pub(crate) fn as_halves_mut(floats: &mut [f32]) -> &mut [i16] {
    // SAFETY: a float is as long as two i16 and aligned for them, every bit pattern is either, and the memory stays
    // borrowed.
    unsafe { slice::from_raw_parts_mut(floats.as_mut_ptr().cast(), 2 * floats.len()) }
}

/// [`as_halves_mut`], to be read.
#[inline(always)]
pub(crate) fn as_halves(floats: &[f32]) -> &[i16] {
    // SAFETY: as in `as_halves_mut`.
    unsafe { slice::from_raw_parts(floats.as_ptr().cast(), 2 * floats.len()) }
}

#[cfg(test)]
mod tests;
