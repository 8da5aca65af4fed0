//! Random numbers: xorshift64* and normal variates by Box and Muller.

use crate::{
    kernels::{ln, sin_cos, sqrt},
    simd::{Isa, Kernel, Scalar, Simd},
};

/// xorshift64*: shifts 12, 25, 27 and the multiplier 2685821657736338717 (Vigna, An experimental exploration of
/// Marsaglia's xorshift generators, scrambled, ACM Transactions on Mathematical Software 42(4), 2016). Period
/// 2^64 - 1. The high 32 bits of each output are used, the better half. Not for secrets.
///
/// Any seed works, 0 too: it passes through a splitmix64 step, and the one value that would give the all-zero state
/// is replaced. The same seed gives the same numbers on every machine.
///
/// ```
/// use rnnlm::Xorshift;
/// let (mut a, mut b) = (Xorshift::new(1), Xorshift::new(1));
/// assert_eq!(a.next_u32(), b.next_u32());
/// assert!((0.0..1.0).contains(&a.uniform()));
/// assert!(a.below(6) < 6);
/// assert!(a.normal().abs() < 5.8);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Xorshift {
    state: u64,
}

impl Xorshift {
    /// The generator of that seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self::from_state(splitmix64(seed))
    }

    /// The generator that continues from [`Xorshift::state`]. The state 0, which no generator reaches, is replaced.
    ///
    /// ```
    /// use rnnlm::Xorshift;
    /// let mut a = Xorshift::new(1);
    /// a.next_u32();
    /// let mut b = Xorshift::from_state(a.state());
    /// assert_eq!(a.next_u32(), b.next_u32());
    /// ```
    #[must_use]
    pub fn from_state(state: u64) -> Self {
        Self { state: if state == 0 { 0x9e37_79b9_7f4a_7c15 } else { state } }
    }

    /// The whole state, never 0.
    #[must_use]
    pub fn state(&self) -> u64 {
        self.state
    }

    /// The next 32 random bits.
    pub fn next_u32(&mut self) -> u32 {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        (self.state.wrapping_mul(2_685_821_657_736_338_717) >> 32) as u32
    }

    /// A multiple of 2^-24, uniform in [0, 1).
    pub fn uniform(&mut self) -> f32 {
        (self.next_u32() >> 8) as f32 / 16_777_216.0
    }

    /// An integer below `bound`, 0 where the bound is 0; the bias is below bound / 2^32.
    pub fn below(&mut self, bound: u32) -> u32 {
        ((u64::from(self.next_u32()) * u64::from(bound)) >> 32) as u32
    }

    /// A standard normal variate; none exceeds 5.77 in magnitude (of a million, 0.008 would). Draws two uniforms
    /// and drops the second variate that they give: [`Xorshift::fill_normal`] uses both.
    pub fn normal(&mut self) -> f32 {
        self.normal_pair(Scalar, 1.0)[0]
    }

    /// Fills the slice with normal variates of mean 0 and standard deviation `deviation`, in order, two for every two
    /// uniforms (a last odd element drops its partner).
    ///
    /// ```
    /// let mut x = [0.0; 1000];
    /// rnnlm::Xorshift::new(1).fill_normal(0.01, &mut x);
    /// assert!(x.iter().sum::<f32>().abs() / 1000.0 < 0.001);
    /// ```
    pub fn fill_normal(&mut self, deviation: f32, to: &mut [f32]) {
        Isa::detect().run(FillNormal { rng: self, deviation, to });
    }

    /// Box and Muller (A note on the generation of random normal deviates, Annals of Mathematical Statistics 29,
    /// 1958): with u in (0, 1] and v in [0, 1) uniform, sqrt(-2 ln u) times cos and sin of 2 pi v.
    #[inline(always)]
    fn normal_pair<S: Simd>(&mut self, s: S, deviation: f32) -> [f32; 2] {
        let u = 1.0 - self.uniform();
        let (sin, cos) = sin_cos(s, self.uniform());
        let radius = sqrt(s, -2.0 * ln(s, u)) * deviation;
        [radius * cos, radius * sin]
    }
}

struct FillNormal<'a> {
    rng: &'a mut Xorshift,
    deviation: f32,
    to: &'a mut [f32],
}

impl Kernel for FillNormal<'_> {
    type Output = ();
    #[inline(always)]
    fn call<S: Simd>(self, s: S) {
        for pair in self.to.chunks_mut(2) {
            let normal = self.rng.normal_pair(s, self.deviation);
            pair.iter_mut().zip(normal).for_each(|(to, x)| *to = x);
        }
    }
}

/// One output of splitmix64 (Steele, Lea and Flood, Fast splittable pseudorandom number generators, OOPSLA 2014).
fn splitmix64(seed: u64) -> u64 {
    let z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests;
