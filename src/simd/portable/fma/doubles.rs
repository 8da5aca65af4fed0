//! The exact fused multiply-add in f64, for targets that have that in hardware.

/// `a * b + c` with one rounding, for every value.
///
/// The product of two f32 is exact in f64 (48 of 53 bits), so only the sum rounds: once to f64, then to f32. The
/// second rounding can go wrong only where the f64 sum stands exactly on a midpoint between two f32 although the
/// true sum does not; on such a midpoint (normal or subnormal) the low 28 bits of the f64 are zero. There the sum
/// is first moved off the midpoint to the side of its own rounding error ("round to odd": Boldo and Melquiond,
/// Emulation of FMA and correctly rounded sums, IEEE Transactions on Computers 57(4), 2008).
pub(crate) fn fma(a: f32, b: f32, c: f32) -> f32 {
    let product = f64::from(a) * f64::from(b);
    let addend = f64::from(c);
    let sum = product + addend;
    if sum.to_bits() & 0x0fff_ffff != 0 || !sum.is_finite() {
        return sum as f32;
    }
    // TwoSum (Knuth): sum + error is exactly product + addend.
    let part = sum - product;
    let error = (product - (sum - part)) + (addend - part);
    if error == 0.0 {
        return sum as f32;
    }
    // One f64 step towards the true value: away from zero where the error has the sign of the sum.
    let bits = sum.to_bits();
    let moved = if (error > 0.0) == (sum > 0.0) { bits + 1 } else { bits - 1 };
    f64::from_bits(moved) as f32
}
