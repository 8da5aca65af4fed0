//! Training steps per second (forward, backward, update of every weight) for each workload and instruction set:
//!
//! ```text
//! cargo bench --bench train_step
//! ```
//!
//! Criterion reports `elem/s`: elements are steps. Workloads: S the book's experiment, M the whole Penn Treebank
//! vocabulary, L the same with 650 hidden units, E embedded.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rnnlm::{Config, Isa, SimpleRnnlm, Xorshift};

const fn config([vocab_size, wordvec_size, hidden_size, batch_size, time_size]: [usize; 5]) -> Config {
    Config { vocab_size, wordvec_size, hidden_size, batch_size, time_size }
}

const WORKLOADS: [(&str, Config); 4] = [
    ("S", config([418, 100, 100, 10, 5])),
    ("M", config([10_000, 100, 100, 20, 35])),
    ("L", config([10_000, 650, 650, 20, 35])),
    ("E", config([64, 16, 32, 1, 8])),
];

fn train_step(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("train_step");
    group.throughput(Throughput::Elements(1));
    for (name, config) in WORKLOADS {
        for isa in Isa::available() {
            if isa == Isa::PORTABLE && config.vocab_size == 10_000 {
                println!("train_step/{name}/portable: left out, a step with emulated fma takes seconds");
                continue;
            }
            let mut rng = Xorshift::new(1);
            let mut model = SimpleRnnlm::new(config, &mut rng).expect("the sizes fit").with_isa(isa);
            let window = config.batch_size * config.time_size;
            let mut ids = || (0..16 * window).map(|_| rng.below(config.vocab_size as u32)).collect::<Vec<_>>();
            let (xs, ts) = (ids(), ids());
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
