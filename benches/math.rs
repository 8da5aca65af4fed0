//! exp and tanh over slices, per instruction set:
//!
//! ```text
//! cargo bench --bench math
//! ```
//!
//! Criterion reports `elem/s`. The time contains a copy of the input.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rnnlm::{Isa, Xorshift, exp, tanh};

type Function = (&'static str, fn(Isa, &mut [f32]), fn(f32) -> f32);

const FUNCTIONS: [Function; 2] = [("exp", exp, |x| -20.0 * x), ("tanh", tanh, |x| 8.0 * x - 4.0)];

fn functions(criterion: &mut Criterion) {
    for (name, function, input) in FUNCTIONS {
        let mut group = criterion.benchmark_group(name);
        for len in [100, 10_000] {
            group.throughput(Throughput::Elements(len as u64)).sample_size(30);
            let mut rng = Xorshift::new(1);
            let xs: Vec<f32> = (0..len).map(|_| input(rng.uniform())).collect();
            let mut ys = xs.clone();
            for isa in Isa::available() {
                ys.copy_from_slice(&xs);
                function(isa, &mut ys);
                assert!(ys.iter().all(|y| (-1.0..=1.0).contains(y)));
                group.bench_function(BenchmarkId::new(isa.name(), len), |bencher| {
                    bencher.iter(|| {
                        ys.copy_from_slice(&xs);
                        function(isa, &mut ys);
                    });
                });
            }
        }
    }
}

criterion_group!(benches, functions);
criterion_main!(benches);
