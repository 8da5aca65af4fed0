//! Training steps per second (forward, backward, update of every weight) for each workload and instruction set:
//!
//! ```text
//! cargo bench --bench train_step
//! ```
//!
//! Criterion reports `elem/s`: elements are steps. Workloads: S the book's experiment, M the whole Penn Treebank
//! vocabulary, L the same with 650 hidden units, E embedded. In those called sharp, the logits of half of the words lie
//! 86 to 100 below the others, where exponentials would be subnormal: they take no more time.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rnnlm::{Config, Isa, SimpleRnnlm, Xorshift};

const fn config([vocab_size, wordvec_size, hidden_size, batch_size, time_size]: [usize; 5]) -> Config {
    Config { vocab_size, wordvec_size, hidden_size, batch_size, time_size }
}

const S: Config = config([418, 100, 100, 10, 5]);
const E: Config = config([64, 16, 32, 1, 8]);

const WORKLOADS: [(&str, Config); 6] = [
    ("S", S),
    ("S-sharp", S),
    ("M", config([10_000, 100, 100, 20, 35])),
    ("L", config([10_000, 650, 650, 20, 35])),
    ("E", E),
    ("E-sharp", E),
];

fn train_step(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("train_step");
    group.throughput(Throughput::Elements(1));
    for (name, config) in WORKLOADS {
        for isa in Isa::available() {
            if isa == Isa::SCALAR && config.vocab_size == 10_000 {
                println!("train_step/{name}/portable: left out, a step with emulated fma takes seconds");
                continue;
            }
            let mut rng = Xorshift::new(1);
            let mut model = SimpleRnnlm::new(config, &mut rng).expect("the sizes fit").with_isa(isa);
            let window = config.batch_size * config.time_size;
            let mut words = config.vocab_size;
            if name.ends_with("sharp") {
                // no word that lies far below is a target: it stays where it is
                words /= 2;
                let mut weights = model.weights_mut();
                for (word, bias) in weights.affine_b.as_mut_slice().iter_mut().enumerate().skip(words) {
                    *bias = -72.0 - 14.0 * word as f32 / words as f32;
                }
            }
            let mut ids = |words| (0..16 * window).map(|_| rng.below(words as u32)).collect::<Vec<_>>();
            let (xs, ts) = (ids(config.vocab_size), ids(words));
            let mut windows = xs.chunks(window).zip(ts.chunks(window)).cycle();
            group.sample_size(if config.hidden_size > 100 { 10 } else { 30 });
            group.bench_function(BenchmarkId::new(name, isa.name()), |bencher| {
                bencher.iter(|| {
                    let (xs, ts) = windows.next().expect("cycles");
                    let loss = model.forward(xs, ts).and_then(|window| window.sgd(0.1)).expect("a finite step");
                    assert!(loss > 0.0);
                });
            });
        }
    }
}

criterion_group!(benches, train_step);
criterion_main!(benches);
