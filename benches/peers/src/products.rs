//! The matrix products of a step: the crate's beside those of the crates gemm and matrixmultiply, as shares of the
//! peak.

use std::time::Instant;

use rnnlm::{
    Form::{self, Nn, Nt, Tn},
    Isa, Matmul, Start, Xorshift, matmul_scratch,
};

use crate::{
    multiply::{self, Multiply, Operand},
    peak::{Width, widths},
    report::{figure, median, peaks, quiet},
    shapes::PRODUCTS,
    sharing::Sharing,
};

const ROUNDS: usize = 11;
/// Seconds of a slice.
const SLICE: f64 = 0.01;

struct Product {
    form: Form,
    shape: [usize; 3],
    add: bool,
    a: Vec<f32>,
    b: Vec<f32>,
    c: Vec<f32>,
    scratch: Vec<f32>,
}

impl Product {
    fn new(form: Form, shape: [usize; 3], add: bool) -> Self {
        let [m, k, n] = shape;
        let mut rng = Xorshift::new(1);
        let mut random = |len: usize| (0..len).map(|_| rng.uniform() - 0.5).collect::<Vec<f32>>();
        let (a, b) = (random(m * k), random(k * n));
        Self { form, shape, add, a, b, c: vec![0.0; m * n], scratch: vec![0.0; matmul_scratch(form, shape)] }
    }

    fn name(&self) -> String {
        let [m, k, n] = self.shape;
        format!("{:?}{} {m}x{k}x{n}", self.form, if self.add { "+" } else { "" })
    }

    fn own(&mut self, isa: Isa) {
        let Self { form, shape: [m, k, n], add, a, b, c, scratch } = self;
        let start = if *add { Start::C } else { Start::Zero };
        Matmul { form: *form, m: *m, k: *k, n: *n, a, b, c, start, scratch }.run(isa).expect("the slices fit");
    }

    fn others(&mut self, multiply: Multiply) {
        let Self { form, shape: [m, k, n], add, a, b, c, .. } = self;
        let (a, b) = match form {
            Nn => (Operand::new(a, *k), Operand::new(b, *n)),
            Nt => (Operand::new(a, *k), Operand::new(b, *k).t()),
            Tn => (Operand::new(a, *m).t(), Operand::new(b, *n)),
        };
        multiply(1.0, a, b, f32::from(*add), c);
    }

    /// GFLOP/s over a slice of time.
    fn measure(&mut self, call: impl Fn(&mut Self)) -> f64 {
        self.c.fill(0.0);
        let flop = 2 * self.shape.iter().product::<usize>();
        // about ten thousand operations take a microsecond at most: look at the clock every fifty
        let calls = (500_000 / flop).max(1);
        let begin = Instant::now();
        let mut done = 0;
        loop {
            for _ in 0..calls {
                call(self);
            }
            done += calls;
            let seconds = begin.elapsed().as_secs_f64();
            if seconds > SLICE {
                return (done * flop) as f64 / seconds / 1e9;
            }
        }
    }
}

/// Measures the products of a workload and prints their table.
pub fn measure(workload: char) {
    let paths: Vec<(Width, Isa)> =
        widths().into_iter().filter_map(|width| Some((width, Isa::by_name(width.isa).ok()?))).collect();
    let mut peak_figures = vec![Vec::new(); paths.len()];
    let mut lines = Vec::new();
    let sharing = Sharing::begin();
    for (_, form, shape, add) in PRODUCTS.into_iter().filter(|product| product.0 == workload.to_string()) {
        let mut product = Product::new(form, shape, add);
        agree(&mut product, &paths);
        eprintln!("{workload}: {}", product.name());
        let (mut own, mut shares) = (vec![Vec::new(); paths.len()], vec![Vec::new(); paths.len()]);
        let mut others = [Vec::new(), Vec::new()];
        for _ in 0..ROUNDS {
            for (i, &(width, isa)) in paths.iter().enumerate() {
                let before = width.measure();
                let figure = product.measure(|product| product.own(isa));
                let peak = (before + width.measure()) / 2.0;
                peak_figures[i].push(peak);
                own[i].push(figure);
                shares[i].push(figure / peak);
            }
            for (figures, multiply) in others.iter_mut().zip([multiply::gemm, multiply::matrixmultiply]) {
                figures.push(product.measure(|product| product.others(multiply)));
            }
        }
        let own = own
            .iter()
            .zip(&shares)
            .map(|(own, shares)| format!("{} ({:.0}%) | ", figure(median(own)), 100.0 * median(shares)));
        let [gemm, matrixmultiply] = others.map(|figures| figure(median(&figures)));
        lines.push(format!("| {} | {}{gemm} | {matrixmultiply} |", product.name(), own.collect::<String>()));
    }
    let registers = paths.iter().map(|(width, _)| width.registers).zip(peak_figures.iter().map(|peaks| median(peaks)));
    println!("### {workload}: matrix products, m x k x n, GFLOP/s (share of the peak)\n");
    println!("{}\n", peaks(&registers.collect::<Vec<_>>()));
    quiet(sharing.and_then(|sharing| sharing.others()));
    let names: String = paths.iter().map(|(width, _)| format!("rnnlm {} | ", width.isa)).collect();
    println!("| product | {names}gemm 0.19.0 | matrixmultiply 0.3.11 |");
    println!("|---|{}---|---|", "---|".repeat(paths.len()));
    println!("{}\n", lines.join("\n"));
}

/// Everyone must compute the same product.
fn agree(product: &mut Product, paths: &[(Width, Isa)]) {
    product.c.fill(0.0);
    product.own(Isa::detect());
    let expected = product.c.clone();
    let mut check = |call: &dyn Fn(&mut Product)| {
        product.c.fill(0.0);
        call(product);
        let apart = product.c.iter().zip(&expected).map(|(a, b)| (a - b).abs());
        assert!(apart.fold(0.0, f32::max) < 1e-3, "{} differs", product.name());
    };
    for &(_, isa) in paths {
        check(&|product| product.own(isa));
    }
    check(&|product| product.others(multiply::gemm));
    check(&|product| product.others(multiply::matrixmultiply));
}
