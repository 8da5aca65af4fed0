//! What every peer is given: sizes, the first weights, and the windows of ids that it trains on, again and again.

use rnnlm::{Config, Rnnlm, SimpleRnnlm, Xorshift};

use crate::Failure;

pub const LEARNING_RATE: f32 = 0.1;

/// How many windows a run goes round; as many steps are checked before any is timed.
pub const WINDOWS: usize = 16;

/// The recurrent cell.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Cell {
    Tanh,
    Lstm,
}

impl Cell {
    /// As `ptb --cell` calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tanh => "rnn",
            Self::Lstm => "lstm",
        }
    }

    /// Wx, Wh and b have so many columns for each hidden unit; those of an LSTM are the gates f, g, i, o.
    pub fn gates(self) -> usize {
        match self {
            Self::Tanh => 1,
            Self::Lstm => 4,
        }
    }
}

/// V vocabulary, D word vector, H hidden, N batch, T time.
#[derive(Clone, Copy)]
pub struct Workload {
    pub name: char,
    pub v: usize,
    pub d: usize,
    pub h: usize,
    pub n: usize,
    pub t: usize,
    pub cell: Cell,
    /// The ratio to the best peer that the project aims at, on one thread.
    pub wanted: f64,
}

/// S the book's experiment, M the whole Penn Treebank vocabulary, L the same with 650 hidden units, E embedded.
pub fn workloads(cell: Cell) -> [Workload; 4] {
    let [s, m, l, e] = match cell {
        Cell::Tanh => [1.15, 1.18, 1.05, 1.35],
        Cell::Lstm => [1.15, 1.1, 1.03, 1.3],
    };
    [
        Workload { name: 'S', v: 418, d: 100, h: 100, n: 10, t: 5, cell, wanted: s },
        Workload { name: 'M', v: 10_000, d: 100, h: 100, n: 20, t: 35, cell, wanted: m },
        Workload { name: 'L', v: 10_000, d: 650, h: 650, n: 20, t: 35, cell, wanted: l },
        Workload { name: 'E', v: 64, d: 16, h: 32, n: 1, t: 8, cell, wanted: e },
    ]
}

/// The weights, in the order in which they stand.
pub const NAMES: [&str; 6] = ["embed.W", "Wx", "Wh", "b", "affine.W", "affine.b"];

impl Workload {
    /// Tokens of a window, and rows of its activations.
    pub fn rows(&self) -> usize {
        self.n * self.t
    }

    /// Floating-point operations of a step's products: three products for each of Wx, Wh and affine.W, two operations
    /// for each multiply-add.
    pub fn flop(&self) -> f64 {
        let recurrent = self.cell.gates() * (self.d + self.h) * self.h;
        (6 * (recurrent + self.h * self.v) * self.rows()) as f64
    }

    pub fn config(&self) -> Config {
        Config { vocab_size: self.v, wordvec_size: self.d, hidden_size: self.h, batch_size: self.n, time_size: self.t }
    }

    /// Rows and columns of [`NAMES`].
    pub fn shapes(&self) -> [[usize; 2]; 6] {
        let &Self { v, d, h, cell, .. } = self;
        let columns = cell.gates() * h;
        [[v, d], [d, columns], [h, columns], [1, columns], [h, v], [1, v]]
    }

    /// The six matrices of a block of all weights.
    pub fn split<'a>(&self, mut block: &'a [f32]) -> [&'a [f32]; 6] {
        self.shapes().map(|[rows, cols]| {
            let (part, rest) = block.split_at(rows * cols);
            block = rest;
            part
        })
    }
}

/// Inputs and targets of a step, in both orders so that nobody pays for the order of another.
pub struct Window {
    pub batch_major: [Vec<u32>; 2],
    pub time_major: [Vec<u32>; 2],
}

/// The same start for everyone.
pub struct Start {
    pub workload: Workload,
    pub weights: Vec<f32>,
    pub windows: Vec<Window>,
}

impl Start {
    /// Weights as the crate draws them, but word vectors of deviation 0.1, or 0.3 with an LSTM, instead of 0.01: then
    /// each of the six matrices moves far more in a few steps than rounding does, which the comparison of the peers'
    /// weights needs.
    pub fn new(workload: Workload) -> Result<Self, Failure> {
        let mut rng = Xorshift::new(1);
        let config = workload.config();
        let (mut weights, factor) = match workload.cell {
            Cell::Tanh => (SimpleRnnlm::new(config, &mut rng)?.weights_block().to_vec(), 10.0),
            Cell::Lstm => (Rnnlm::new(config, &mut rng)?.weights_block().to_vec(), 30.0),
        };
        weights[..workload.v * workload.d].iter_mut().for_each(|w| *w *= factor);
        let mut ids = || {
            let ids: Vec<u32> = (0..workload.rows()).map(|_| rng.below(workload.v as u32)).collect();
            let transposed =
                (0..workload.rows()).map(|i| ids[i % workload.n * workload.t + i / workload.n]).collect::<Vec<_>>();
            (ids, transposed)
        };
        let windows = (0..WINDOWS)
            .map(|_| {
                let ((xs, xs_t), (ts, ts_t)) = (ids(), ids());
                Window { batch_major: [xs, ts], time_major: [xs_t, ts_t] }
            })
            .collect();
        Ok(Self { workload, weights, windows })
    }
}
