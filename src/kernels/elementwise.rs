//! Passes over whole slices. Where two slices differ in length, the shorter one ends the pass.

use crate::simd::{Kernel, Simd};

/// a = a + b.
pub(crate) struct Add<'a>(pub &'a mut [f32], pub &'a [f32]);

impl Kernel for Add<'_> {
    type Output = ();
    #[inline(always)]
    fn call<S: Simd>(self, s: S) {
        let (len, Self(a, b)) = (self.0.len().min(self.1.len()), self);
        for (a, b) in a[..len].chunks_mut(S::LANES).zip(b[..len].chunks(S::LANES)) {
            s.store(a, s.add(s.load(a), s.load(b)));
        }
    }
}

/// d = d (1 - h²): from the gradient of h = tanh z to the gradient of z.
pub(crate) struct TanhBackward<'a> {
    pub d: &'a mut [f32],
    pub h: &'a [f32],
}

impl Kernel for TanhBackward<'_> {
    type Output = ();
    #[inline(always)]
    fn call<S: Simd>(self, s: S) {
        let len = self.d.len().min(self.h.len());
        for (d, h) in self.d[..len].chunks_mut(S::LANES).zip(self.h[..len].chunks(S::LANES)) {
            let h = s.load(h);
            let slope = s.nfma(h, h, s.splat(1.0));
            s.store(d, s.mul(s.load(d), slope));
        }
    }
}

/// The largest magnitude, or NaN where an element is not finite.
pub(crate) struct MaxAbs<'a>(pub &'a [f32]);

impl Kernel for MaxAbs<'_> {
    type Output = f32;
    #[inline(always)]
    fn call<S: Simd>(self, s: S) -> f32 {
        let zero = s.splat(0.0);
        let (mut largest, mut poison) = (zero, zero);
        for x in self.0.chunks(S::LANES) {
            let x = s.load(x);
            largest = s.max(s.abs(x), largest);
            // 0 * x is NaN for NaN and infinity, and NaN stays
            poison = s.fma(zero, x, poison);
        }
        let (mut lanes, mut poisons) = ([0.0; 16], [0.0; 16]);
        s.store(&mut lanes, largest);
        s.store(&mut poisons, poison);
        let largest = lanes.iter().fold(0.0, |a: f32, &b| if b > a { b } else { a });
        largest + poisons.iter().sum::<f32>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Isa;

    #[test]
    fn max_abs_sees_every_element() {
        for isa in Isa::available() {
            for len in [0, 1, 7, 8, 9, 15, 16, 17] {
                let mut x = [0.25_f32; 17];
                let x = &mut x[..len];
                assert_eq!(isa.run(MaxAbs(x)), if len == 0 { 0.0 } else { 0.25 });
                for i in 0..len {
                    x[i] = -3.0;
                    assert_eq!(isa.run(MaxAbs(x)), 3.0, "{} {len} {i}", isa.name());
                    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                        x[i] = bad;
                        assert!(!isa.run(MaxAbs(x)).is_finite(), "{} {len} {i} {bad}", isa.name());
                    }
                    x[i] = 0.25;
                }
            }
        }
    }
}
