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
mod tests {
    extern crate std;
    use std::vec;

    use super::*;

    /// Outputs for state 1234567 as listed under "Pseudo-random numbers/Xorshift star" on Rosetta Code.
    #[test]
    fn reference_outputs() {
        let mut rng = Xorshift::from_state(1_234_567);
        let outputs = [(); 5].map(|()| rng.next_u32());
        assert_eq!(outputs, [3_540_625_527, 2_750_739_987, 4_037_983_143, 1_993_361_440, 3_809_424_708]);
    }

    /// First outputs of splitmix64 for seed 1234567 as listed under "Pseudo-random numbers/Splitmix64" there.
    #[test]
    fn splitmix_reference() {
        assert_eq!(splitmix64(1_234_567), 6_457_827_717_110_365_317);
        assert_eq!(splitmix64(1_234_567_u64.wrapping_add(0x9e37_79b9_7f4a_7c15)), 3_203_168_211_198_807_973);
    }

    #[test]
    fn any_seed_works() {
        // the seed whose splitmix64 output is 0, so the replaced state
        let zero_maker = 0_u64.wrapping_sub(0x9e37_79b9_7f4a_7c15);
        assert_eq!(splitmix64(zero_maker), 0);
        for seed in [0, 1, u64::MAX, zero_maker] {
            let mut rng = Xorshift::new(seed);
            let (a, b) = (rng.next_u32(), rng.next_u32());
            assert!(rng.state() != 0 && a != b, "seed {seed}");
        }
    }

    /// The shifts make a linear map L over GF(2); its order divides 2^64 - 1. That L^(2^64 - 1) = 1 and L^((2^64 - 1) /
    /// p) != 1 for each prime p of 2^64 - 1 proves the period.
    #[test]
    #[cfg_attr(miri, ignore = "minutes in an interpreter")]
    fn the_period_is_full() {
        type Map = [u64; 64];
        let apply = |map: &Map, x: u64| (0..64).filter(|i| x >> i & 1 == 1).fold(0, |sum, i| sum ^ map[i]);
        let compose = |a: &Map, b: &Map| b.map(|column| apply(a, column));
        let identity: Map = core::array::from_fn(|i| 1 << i);
        let step: Map = identity.map(|x| {
            let x = x ^ (x >> 12);
            let x = x ^ (x << 25);
            x ^ (x >> 27)
        });
        let power = |mut n: u64| {
            let (mut result, mut base) = (identity, step);
            while n > 0 {
                if n & 1 == 1 {
                    result = compose(&base, &result);
                }
                base = compose(&base, &base);
                n >>= 1;
            }
            result
        };
        let primes = [3, 5, 17, 257, 641, 65_537, 6_700_417];
        assert_eq!(primes.iter().product::<u64>(), u64::MAX);
        assert!(power(u64::MAX) == identity);
        for p in primes {
            assert!(power(u64::MAX / p) != identity, "period divides (2^64 - 1) / {p}");
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "minutes in an interpreter")]
    fn normals_have_the_moments_and_the_distribution() {
        let n = 1_000_000;
        let mut x = vec![0.0; n];
        Xorshift::new(3).fill_normal(1.0, &mut x);
        let moment = |k: i32| x.iter().map(|&v| f64::from(v).powi(k)).sum::<f64>() / n as f64;
        // standard errors: 0.001, 0.0014, 0.0039, 0.0098; allowed: four of them
        let moments = [moment(1), moment(2), moment(3), moment(4)];
        for (got, (expected, error)) in moments.iter().zip([(0.0, 0.001), (1.0, 0.0014), (0.0, 0.0039), (3.0, 0.0098)])
        {
            assert!((got - expected).abs() < 4.0 * error, "moments {moments:?}");
        }
        // neighbours, which come from one pair of uniforms, are uncorrelated
        let products: f64 = x.chunks_exact(2).map(|p| f64::from(p[0]) * f64::from(p[1])).sum();
        assert!((products / (n / 2) as f64).abs() < 4.0 / ((n / 2) as f64).sqrt());
        // Kolmogorov and Smirnov: the distance exceeds 1.95 / sqrt n once in a thousand
        x.sort_by(f32::total_cmp);
        let distance = x.iter().enumerate().fold(0.0_f64, |worst, (i, &v)| {
            let cdf = normal_cdf(f64::from(v));
            worst.max((cdf - i as f64 / n as f64).abs()).max((cdf - (i + 1) as f64 / n as f64).abs())
        });
        assert!(distance < 1.95 / (n as f64).sqrt(), "Kolmogorov-Smirnov distance {distance}");
    }

    /// The normal distribution function by its series 1/2 + phi(x) (x + x³/3 + x^5/15 + ...).
    fn normal_cdf(x: f64) -> f64 {
        let (mut term, mut sum, mut odd) = (x, x, 1.0);
        while term.abs() > 1e-17 {
            odd += 2.0;
            term *= x * x / odd;
            sum += term;
        }
        0.5 + sum * (-0.5 * x * x).exp() / (2.0 * core::f64::consts::PI).sqrt()
    }

    #[test]
    #[cfg_attr(miri, ignore = "minutes in an interpreter")]
    fn the_same_normals_on_every_instruction_set() {
        let fill = |isa: Isa| {
            let (mut rng, mut x) = (Xorshift::new(9), [0.0; 4001]);
            isa.run(FillNormal { rng: &mut rng, deviation: 0.3, to: &mut x });
            x.map(f32::to_bits)
        };
        for isa in Isa::available() {
            assert_eq!(fill(isa), fill(Isa::SCALAR), "{}", isa.name());
        }
    }
}
