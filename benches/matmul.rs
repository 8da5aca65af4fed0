//! The matrix products of a training step, per workload and instruction set:
//!
//! ```text
//! cargo bench --bench matmul
//! ```
//!
//! Criterion reports `elem/s`: elements are floating-point operations, two for each fused multiply-add.

mod shapes;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rnnlm::{Isa, Matmul, Start, Xorshift, matmul_scratch};
use shapes::PRODUCTS;

fn products(criterion: &mut Criterion) {
    for (workload, form, shape, add) in PRODUCTS {
        let [m, k, n] = shape;
        let mut group = criterion.benchmark_group(format!("matmul/{workload}"));
        group.throughput(Throughput::Elements(2 * (m * k * n) as u64)).sample_size(20);
        let mut rng = Xorshift::new(1);
        let mut random = |len: usize| (0..len).map(|_| rng.uniform() - 0.5).collect::<Vec<f32>>();
        let (a, b, mut c) = (random(m * k), random(k * n), vec![0.0; m * n]);
        let mut scratch = vec![0.0; matmul_scratch(form, shape)];
        for isa in Isa::available() {
            if isa == Isa::SCALAR && workload != "E" {
                continue; // emulated fma: the small workload shows its speed
            }
            c.fill(0.0);
            let start = if add { Start::C } else { Start::Zero };
            let mut run = |c: &mut [f32]| {
                let product = Matmul { form, m, k, n, a: &a, b: &b, c, start, scratch: &mut scratch };
                product.run(isa).expect("the slices fit");
            };
            run(&mut c);
            assert!(c.iter().all(|x| x.is_finite()) && c.iter().any(|&x| x != 0.0));
            let name = format!("{form:?}{}-{m}x{k}x{n}", if add { "+" } else { "" });
            group.bench_function(BenchmarkId::new(name, isa.name()), |bencher| {
                bencher.iter(|| {
                    run(&mut c);
                    // chains that go on for millions of rounds must not overflow
                    if add && c[0].abs() > 1e6 {
                        c.fill(0.0);
                    }
                });
            });
        }
    }
}

criterion_group!(benches, products);
criterion_main!(benches);
