//! The exact fused multiply-add in 32-bit integers, for processors without floating point.
//!
//! ```text
//! product   48 bits, leading one at bit 61 or 62 of 64         01xx xxxx .. x000 0000 0000 0000
//! sum       24 bits, leading one at bit 61 (or a lone 62)      001x xxxx .. 0000 0000 0000 0000
//! ```
//!
//! The one of lesser exponent is shifted right, the bits that are lost are kept as a last bit ("sticky"), and the exact
//! sum of both is rounded once. A chain keeps its sum unpacked, as [`Sum`]: to unpack, normalise and pack it again in
//! every step takes as many instructions as to multiply and add.

const SIGN: u32 = 0x8000_0000;
/// The leading one of a float's 24 bits.
const LEADING: u32 = 0x0080_0000;
/// The exponent of a sum that is zero: below all products.
const ZERO: i32 = -1000;

/// Whether the processor counts leading zeros in an instruction. Of Arm's, those of `thumbv6m` don't, nor have they
/// 32-bit atomics.
pub(crate) const COUNTS_ZEROS: bool = cfg!(not(any(
    all(target_arch = "arm", not(target_has_atomic = "32")),
    all(any(target_arch = "riscv32", target_arch = "riscv64"), not(target_feature = "zbb")),
)));
/// Whether it multiplies two numbers of 32 bits into 64.
pub(crate) const MULTIPLIES_LONG: bool = cfg!(not(any(
    all(target_arch = "arm", not(target_has_atomic = "32")),
    all(target_arch = "riscv32", not(target_feature = "m")),
)));

/// A finite number on its way through a chain.
#[derive(Clone, Copy)]
pub(crate) struct Sum {
    /// Bit 31.
    sign: u32,
    /// As in a float, but below 1 for subnormal numbers, whose leading one stands where that of all others does.
    exponent: i32,
    /// 24 bits with the leading one at bit 29, or that alone at bit 30; 0 for zero.
    magnitude: u32,
}

/// An exact sum of which bits were cut off.
struct Exact {
    sign: u32,
    exponent: i32,
    /// The leading one at bit 31; bit 0 is set where something was cut off. 0 for zero.
    high: u32,
}

impl Sum {
    /// `None` for infinity and NaN.
    #[inline(always)]
    pub(crate) fn new(x: u32) -> Option<Self> {
        let sign = x & SIGN;
        match biased_exponent(x) {
            255 => None,
            0 if x == sign => Some(Self { sign, exponent: ZERO, magnitude: 0 }),
            0 => {
                let Factor { exponent, mantissa } = Factor::subnormal(x);
                Some(Self { sign, exponent, magnitude: mantissa >> 2 })
            }
            exponent => Some(Self { sign, exponent, magnitude: (x & (LEADING - 1) | LEADING) << 6 }),
        }
    }

    /// The number as a float.
    #[inline(always)]
    pub(crate) fn bits(self) -> u32 {
        let Self { sign, exponent, magnitude } = self;
        let rounded = magnitude >> 6;
        if exponent > 0 {
            // a lone bit 30 carries into the exponent
            sign | (((exponent - 1) as u32) << 23).wrapping_add(rounded)
        } else {
            // zero, or a subnormal number, which loses only zeros
            sign | rounded.checked_shr((1 - exponent) as u32).unwrap_or(0)
        }
    }

    /// The sum with a b added, rounded, where both are normal numbers and the result is one well below infinity.
    #[inline(always)]
    pub(crate) fn plus(self, a: u32, b: u32) -> Option<Self> {
        let (a_exponent, b_exponent) = (biased_exponent(a), biased_exponent(b));
        if (a_exponent - 1) as u32 >= 254 || (b_exponent - 1) as u32 >= 254 {
            return None;
        }
        let a_factor = Factor { exponent: a_exponent, mantissa: a << 8 | SIGN };
        let b_factor = Factor { exponent: b_exponent, mantissa: b << 8 | SIGN };
        let Exact { sign, exponent, high } = self.exactly_plus((a ^ b) & SIGN, a_factor, b_factor);
        if high == 0 {
            return Some(Self { sign: 0, exponent: ZERO, magnitude: 0 });
        }
        // what rounds up to infinity is left out as well
        if (exponent - 1) as u32 >= 253 {
            return None;
        }
        Some(Self { sign, exponent, magnitude: round(high) << 6 })
    }

    /// The sum with a product of this sign added.
    #[inline(always)]
    fn exactly_plus(self, product_sign: u32, a: Factor, b: Factor) -> Exact {
        let Self { sign, exponent, magnitude } = self;
        let (high, low) = product::<MULTIPLIES_LONG>(a.mantissa, b.mantissa);
        let product_exponent = a.exponent + b.exponent - 127;
        let further = product_exponent - exponent;
        let (exponent, product, sum) = if further >= 0 {
            (product_exponent, join(high, low), shift_right(magnitude, 0, further as u32))
        } else {
            (exponent, shift_right(high, low, further.wrapping_neg() as u32), join(magnitude, 0))
        };
        // both are below 2^63
        let (total, sign) = if sign == product_sign {
            (product.wrapping_add(sum), sign)
        } else {
            let total = product.wrapping_sub(sum);
            if (total as i64) < 0 { (total.wrapping_neg(), sign) } else { (total, product_sign) }
        };
        let (mut high, mut low, mut exponent) = ((total >> 32) as u32, total as u32, exponent + 2);
        if high == 0 {
            (high, low, exponent) = (low, 0, exponent - 32);
            if high == 0 {
                return Exact { sign: 0, exponent: ZERO, high: 0 };
            }
        }
        let zeros = leading_zeros::<COUNTS_ZEROS>(high);
        let lost = u32::from(low << zeros != 0);
        Exact { sign, exponent: exponent - zeros as i32, high: high << zeros | low >> 1 >> (31 - zeros) | lost }
    }
}

/// A factor above zero.
#[derive(Clone, Copy)]
struct Factor {
    /// As in a float, but below 1 for subnormal numbers.
    exponent: i32,
    /// 24 bits with the leading one at bit 31.
    mantissa: u32,
}

impl Factor {
    /// Of a finite number that isn't zero.
    fn new(x: u32) -> Self {
        match biased_exponent(x) {
            0 => Self::subnormal(x),
            exponent => Self { exponent, mantissa: x << 8 | SIGN },
        }
    }

    #[cold]
    #[inline(never)]
    fn subnormal(x: u32) -> Self {
        let mantissa = x << 8;
        let zeros = leading_zeros::<COUNTS_ZEROS>(mantissa);
        Self { exponent: 1 - zeros as i32, mantissa: mantissa << zeros }
    }
}

/// `a * b + c` with one rounding, for every value.
#[inline(never)]
pub(crate) fn fma(a: f32, b: f32, c: f32) -> f32 {
    let bits = [a, b, c].map(f32::to_bits);
    match Sum::new(bits[2]).and_then(|sum| sum.plus(bits[0], bits[1])) {
        Some(sum) => f32::from_bits(sum.bits()),
        None => rare(a, b, c),
    }
}

/// [`fma`] where a number isn't normal or the result is subnormal or near infinity.
#[cold]
#[inline(never)]
fn rare(a: f32, b: f32, c: f32) -> f32 {
    if a == 0.0 || b == 0.0 || !a.is_finite() || !b.is_finite() {
        // the product is exact
        return a * b + c;
    }
    let [a, b, bits] = [a, b, c].map(f32::to_bits);
    let Some(sum) = Sum::new(bits) else { return c };
    let Exact { sign, exponent, high } = sum.exactly_plus((a ^ b) & SIGN, Factor::new(a), Factor::new(b));
    let bits = if exponent > 0 {
        ((exponent - 1) as u32) * LEADING + round(high)
    } else {
        round(far_right(high, 0, (1 - exponent) as u32))
    };
    f32::from_bits(sign | bits.min(f32::INFINITY.to_bits()))
}

#[inline(always)]
fn biased_exponent(x: u32) -> i32 {
    (x >> 23 & 255) as i32
}

/// 32 bits to 24, ties to even; it may carry.
#[inline(always)]
pub(crate) fn round(x: u32) -> u32 {
    let kept = x >> 8;
    kept + (((x & 255) + 127 + (kept & 1)) >> 8)
}

#[inline(always)]
fn join(high: u32, low: u32) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}

/// The product of two mantissas, halved, as its two halves.
#[inline(always)]
pub(crate) fn product<const LONG: bool>(a: u32, b: u32) -> (u32, u32) {
    if LONG {
        let product = u64::from(a >> 1) * u64::from(b);
        return ((product >> 32) as u32, product as u32);
    }
    // by halves of 12 bits
    let (a_high, a_low, b_high, b_low) = (a >> 20, a << 12 >> 20, b >> 20, b << 12 >> 20);
    let low = a_low * b_low;
    let middle = a_high * b_low + a_low * b_high + (low >> 12);
    let high = a_high * b_high;
    ((high << 7) + (middle >> 5), middle << 27 | low << 20 >> 5)
}

/// 64 bits, of which the first is zero, shifted right by any number; the last bit is set where something was lost.
#[inline(always)]
fn shift_right(high: u32, low: u32, by: u32) -> u64 {
    if by < 32 {
        let lost = u32::from(low << 1 << (31 - by) != 0);
        return join(high >> by, low >> by | high << 1 << (31 - by) | lost);
    }
    u64::from(far_right(high, low, by - 32))
}

/// The lower half of [`shift_right`] where the upper one is zero.
#[inline(always)]
pub(crate) fn far_right(high: u32, low: u32, by: u32) -> u32 {
    if by < 32 { high >> by | u32::from(high << 1 << (31 - by) != 0 || low != 0) } else { u32::from(high | low != 0) }
}

/// Of a number above zero.
#[inline(always)]
pub(crate) fn leading_zeros<const COUNTED: bool>(mut x: u32) -> u32 {
    if COUNTED {
        return x.leading_zeros();
    }
    let mut zeros = 0;
    while x < 1 << 24 {
        (x, zeros) = (x << 8, zeros + 8);
    }
    while x < 1 << 31 {
        (x, zeros) = (x << 1, zeros + 1);
    }
    zeros
}
