//! One word after the other at V=10,000, D=H=100, against the time that one core needs to read the output weights:
//!
//! ```text
//! cargo bench --bench predict
//! cargo bench --bench predict -- --isa avx2
//! ```
//!
//! A prediction reads every output weight once, 4 MB, and does one multiplication with each, so memory bounds it.
//! `read` sums the same weights in the same place, as fast as they come from the cache that holds them. `top 3` feeds a
//! word and lists three, the others feed the word that was drawn before and draw the next.
//!
//! All take turns, word by word, and medians and minima are told, so that another program that takes the core or the
//! cache for a while slows all of them, or a few words that don't count: criterion would time one after the other.
//!
//! `int8 read` and `int8 top 3` do the same with the weights rounded to int8, a quarter of the bytes. What share of the
//! time of `top 3` that is, and how many times reading, stands in a line of its own.
//!
//! Last, at V=64, D=16, H=32, what a predictor costs that is made for a single word: one per request, say.

use std::{
    env,
    hint::black_box,
    time::{Duration, Instant},
};

use rnnlm::{Candidate, Config, Isa, Predictor, Quantized, QuantizedPredictor, Sampler, SimpleRnnlm, Xorshift, top};

const M: Config = Config { vocab_size: 10_000, wordvec_size: 100, hidden_size: 100, batch_size: 1, time_size: 1 };
const E: Config = Config { vocab_size: 64, wordvec_size: 16, hidden_size: 32, batch_size: 1, time_size: 8 };

/// The sum in 256 independent chains, so that additions don't bound it.
fn sum(weights: &[f32]) -> f32 {
    let mut sums = [0.0; 256];
    let (blocks, rest) = weights.as_chunks::<256>();
    for block in blocks {
        for (sum, weight) in sums.iter_mut().zip(block) {
            *sum += weight;
        }
    }
    sums.iter().chain(rest).sum()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn sum_avx2(weights: &[f32]) -> f32 {
    let mut sums = [0.0; 64];
    let (blocks, rest) = weights.as_chunks::<64>();
    for block in blocks {
        for (sum, weight) in sums.iter_mut().zip(block) {
            *sum += weight;
        }
    }
    sums.iter().chain(rest).sum()
}

fn read(weights: &[f32]) -> f32 {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: just detected.
        #[allow(unsafe_code)]
        return unsafe { sum_avx2(weights) };
    }
    sum(weights)
}

/// As [`sum`], of integers.
#[inline(always)]
fn sum_of_integers(weights: &[i32]) -> i32 {
    let mut sums = [0_i32; 64];
    for block in weights.as_chunks::<64>().0 {
        for (sum, &weight) in sums.iter_mut().zip(block) {
            *sum = sum.wrapping_add(weight);
        }
    }
    // or the compiler adds in another order, three times as slowly
    black_box(sums).into_iter().fold(0, i32::wrapping_add)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn sum_of_integers_avx2(weights: &[i32]) -> i32 {
    sum_of_integers(weights)
}

/// Of four weights each, so that one load takes as many bytes as one of floats.
#[allow(unsafe_code)]
fn read_int8(weights: &[u8]) -> i32 {
    // SAFETY: four bytes are an integer, whatever they are.
    let (_, weights, _) = unsafe { weights.align_to() };
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: just detected.
        return unsafe { sum_of_integers_avx2(weights) };
    }
    sum_of_integers(weights)
}

/// The words that each is timed for.
const WORDS: usize = 3000;

/// The median and the least, in microseconds.
fn median_and_least(mut times: Vec<Duration>) -> [f64; 2] {
    times.sort_unstable();
    [times[times.len() / 2], times[0]].map(|time| time.as_secs_f64() * 1e6)
}

fn main() {
    // `cargo bench -- --test`: does it run at all?
    let words = if env::args().any(|argument| argument == "--test") { 3 } else { WORDS };
    let named = env::args().skip_while(|argument| argument != "--isa").nth(1);
    let isa = named.map_or(Isa::detect(), |name| name.parse().expect("one of this machine"));
    let model = SimpleRnnlm::new(M, &mut Xorshift::new(1)).expect("the sizes fit");
    let parameters = model.weights();
    let weights = parameters.affine_w.as_slice();
    let predictor = || model.predictor().expect("the memory is there").with_isa(isa);
    let at_temperature = |x| predictor().with_temperature(x).expect("a temperature");

    let (mut rng, mut listing, mut three) = (Xorshift::new(2), predictor(), [Candidate::default(); 3]);
    let mut top_3 = || {
        let probabilities = listing.feed(rng.below(10_000)).expect("finite");
        assert_eq!(top(probabilities, &[], &mut three).len(), 3);
    };
    let mut file = vec![0; Quantized::encoded_len(M, 0).expect("it fits")];
    Quantized::write(&parameters, "", &mut file).expect("finite");
    // behind them stand a few bytes
    let int8_weights = &file[file.len() - weights.len()..];
    let quantized = Quantized::read(&file).expect("just written");
    let mut of_int8 = QuantizedPredictor::new(quantized).expect("the memory is there").with_isa(isa);
    let (mut rng_8, mut three_8) = (Xorshift::new(2), [Candidate::default(); 3]);
    let mut int8_top_3 = || {
        let probabilities = of_int8.feed(rng_8.below(10_000)).expect("below V");
        assert_eq!(top(probabilities, &[], &mut three_8).len(), 3);
    };
    let mut forty = [Candidate::default(); 40];
    let sampler = || Sampler::new(Xorshift::new(3));
    let mut sample = drawing(predictor(), sampler());
    let mut sharper = drawing(at_temperature(0.8), sampler());
    let mut of_forty = drawing(at_temperature(0.8), sampler().with_top(&mut forty));
    let mut ways: [(&str, &mut dyn FnMut()); 7] = [
        ("read", &mut || assert!(black_box(read(black_box(weights))).is_finite())),
        ("top 3", &mut top_3),
        ("int8 read", &mut || assert_ne!(black_box(read_int8(black_box(int8_weights))), 0)),
        ("int8 top 3", &mut int8_top_3),
        ("sample", &mut sample),
        ("sample at 0.8", &mut sharper),
        ("sample of 40 at 0.8", &mut of_forty),
    ];

    let mut times = [const { Vec::new() }; 7];
    for _ in 0..words {
        for ((_, way), times) in ways.iter_mut().zip(&mut times) {
            let began = Instant::now();
            way();
            times.push(began.elapsed());
        }
    }
    let times = times.map(median_and_least);
    let [read, top_3, int8_read, int8_top_3, ..] = times;
    println!("{isa}");
    for ((name, _), [median, least]) in ways.iter().zip(times) {
        println!("{name:20} {median:8.1} us a word, at least {least:.1}, {:.2} times reading", median / read[0]);
    }
    for (i, name) in ["medians", "least"].into_iter().enumerate() {
        let (share, times) = (int8_top_3[i] / top_3[i], int8_top_3[i] / int8_read[i]);
        println!("int8 top 3, {name}: {:.1}% of f32's time, {times:.2} times reading", 100.0 * share);
    }
    for (name, time) in at_e(words) {
        println!("{name:20} {time:8.2} us at V=64");
    }
}

/// A word at [`E`] from a predictor that was there, and from a new one.
fn at_e(words: usize) -> [(&'static str, f64); 2] {
    let model = SimpleRnnlm::new(E, &mut Xorshift::new(1)).expect("the sizes fit");
    let predictor = || model.predictor().expect("the memory is there");
    let (mut rng, mut old) = (Xorshift::new(2), predictor());
    let mut feed = |predictor: &mut Predictor<'_>| {
        assert!(black_box(predictor.feed(rng.below(64)).expect("finite")).len() == 64);
    };
    let mut times = [const { Vec::new() }; 2];
    for _ in 0..words {
        let began = Instant::now();
        feed(&mut old);
        times[0].push(began.elapsed());
        let began = Instant::now();
        feed(&mut predictor());
        times[1].push(began.elapsed());
    }
    let [word, with_predictor] = times.map(|times| median_and_least(times)[0]);
    [("a word", word), ("predictor and word", with_predictor)]
}

/// Feeds the word drawn before and draws the next.
fn drawing(mut predictor: Predictor<'_>, mut sampler: Sampler<'_>) -> impl FnMut() {
    let mut id = 0;
    move || id = sampler.choose(predictor.feed(id).expect("finite")).expect("a word")
}
