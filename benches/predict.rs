//! Next words per second at V=10,000, D=H=100, against the time that one core needs to read the output weights:
//!
//! ```text
//! cargo bench --bench predict
//! ```
//!
//! A prediction reads every output weight once, 4 MB, and does one multiplication with each, so memory bounds it. `read`
//! sums the same weights in the same place, as fast as they come from the cache that holds them. `top 3` feeds a word
//! and lists three, `sample` feeds the word that was drawn before and draws the next.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rnnlm::{Candidate, Config, Sampler, SimpleRnnlm, Xorshift, top};

const M: Config = Config { vocab_size: 10_000, wordvec_size: 100, hidden_size: 100, batch_size: 1, time_size: 1 };

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

fn predict(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("predict");
    group.throughput(Throughput::Elements(1)).sample_size(50);
    let model = SimpleRnnlm::new(M, &mut Xorshift::new(1)).expect("the sizes fit");
    let parameters = model.weights();
    let weights = parameters.affine_w.as_slice();
    assert!(read(weights).is_finite());
    group.bench_function("read", |bencher| bencher.iter(|| read(weights)));

    let mut rng = Xorshift::new(2);
    let mut predictor = model.predictor().expect("the memory is there");
    let mut three = [Candidate::default(); 3];
    group.bench_function("top 3", |bencher| {
        bencher.iter(|| {
            let probabilities = predictor.feed(rng.below(10_000)).expect("finite");
            assert_eq!(top(probabilities, &[], &mut three).len(), 3);
        });
    });
    for (name, temperature) in [("sample", 1.0), ("sample at temperature 0.8", 0.8)] {
        let predictor = model.predictor().expect("the memory is there");
        let mut predictor = predictor.with_temperature(temperature).expect("a temperature");
        let (mut sampler, mut id) = (Sampler::new(Xorshift::new(3)), 0);
        group.bench_function(name, |bencher| {
            bencher.iter(|| id = sampler.choose(predictor.feed(id).expect("finite")).expect("a word"));
        });
    }
}

criterion_group!(benches, predict);
criterion_main!(benches);
