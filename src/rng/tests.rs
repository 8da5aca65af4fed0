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
    for (got, (expected, error)) in moments.iter().zip([(0.0, 0.001), (1.0, 0.0014), (0.0, 0.0039), (3.0, 0.0098)]) {
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
