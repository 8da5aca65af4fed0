//! Training steps: who takes part, whether they compute the same, and how fast.

use std::{rc::Rc, time::Instant};

use rnnlm::{Isa, LstmCell, TanhCell};

use crate::{
    Failure,
    arguments::Arguments,
    blas,
    burn_step::Burn,
    candle_step::Candle,
    hand::Hand,
    hand_lstm::HandLstm,
    multiply::{self, Multiply},
    ndarray_step::Ndarray,
    peak::{Width, widths},
    peer::{Here, Peer, Step},
    process::Process,
    report::{self, Row, Table, median},
    rnnlm_step::Rnnlm,
    rust_lstm_step::RustLstm,
    sharing::Sharing,
    workload::{Cell, NAMES, Start, WINDOWS, Workload},
};

const ROUNDS: usize = 25;
/// A share counts where the peak around it is at least this part of the highest of the run. Below that, something
/// outside of this system shares the core: a loop over registers loses little by it, and whatever reads memory much.
const QUIET: f64 = 0.985;

/// How far losses, and the way that each weight matrix went, may be from rnnlm's, relative to the way that rnnlm's
/// went. An LSTM's hidden states and gradients are smaller, and so is that way beside the weights' rounding.
fn tolerance(cell: Cell) -> f64 {
    match cell {
        Cell::Tanh => 1e-3,
        Cell::Lstm => 1e-2,
    }
}

/// A peer at its start; the error says why there is none.
type Built = Result<Box<dyn Peer>, Failure>;

/// One line of the tables.
pub struct Entry {
    /// For `--only`.
    pub key: &'static str,
    pub name: &'static str,
    /// Those with which it takes part.
    cells: &'static [Cell],
    build: fn(&Rc<Start>, usize) -> Built,
}

const TANH: &[Cell] = &[Cell::Tanh];
const LSTM: &[Cell] = &[Cell::Lstm];
const BOTH: &[Cell] = &[Cell::Tanh, Cell::Lstm];

/// The crate on each instruction set, slowest first, then its peers.
pub const PEERS: &[Entry] = &[
    Entry {
        key: "rnnlm",
        name: "rnnlm portable",
        cells: BOTH,
        build: |start, threads| rnnlm(start, threads, "portable"),
    },
    #[cfg(target_arch = "aarch64")]
    Entry { key: "rnnlm", name: "rnnlm neon", cells: BOTH, build: |start, threads| rnnlm(start, threads, "neon") },
    #[cfg(target_arch = "x86_64")]
    Entry { key: "rnnlm", name: "rnnlm avx2", cells: BOTH, build: |start, threads| rnnlm(start, threads, "avx2") },
    #[cfg(target_arch = "x86_64")]
    Entry { key: "rnnlm", name: "rnnlm avx512", cells: BOTH, build: |start, threads| rnnlm(start, threads, "avx512") },
    #[cfg(target_os = "linux")]
    Entry { key: "rnnlm", name: "rnnlm, large pages", cells: BOTH, build: on_large_pages },
    Entry {
        key: "ndarray",
        name: "ndarray 0.17.2, by hand",
        cells: TANH,
        build: |start, _| here(start, Ndarray::new(start)?),
    },
    Entry {
        key: "matrixmultiply",
        name: "matrixmultiply 0.3.11, by hand",
        cells: BOTH,
        build: |start, _| by_hand(start, multiply::matrixmultiply),
    },
    Entry {
        key: "gemm",
        name: "gemm 0.19.0 with x86-v4, by hand",
        cells: BOTH,
        build: |start, _| by_hand(start, multiply::gemm),
    },
    Entry { key: "candle", name: "candle 0.11.1", cells: TANH, build: |start, _| here(start, Candle::new(start)?) },
    Entry { key: "burn", name: "burn 0.22.1 flex", cells: BOTH, build: |start, _| here(start, Burn::new(start)) },
    Entry {
        key: "rust-lstm",
        name: "rust-lstm 0.10.0, in f64",
        cells: LSTM,
        build: |start, _| here(start, RustLstm::new(start)?),
    },
    Entry { key: "c", name: "C on OpenBLAS", cells: BOTH, build: |start, _| c(start, "openblas", "small") },
    #[cfg(target_os = "linux")]
    Entry {
        key: "c",
        name: "C on OpenBLAS, large pages",
        cells: BOTH,
        build: |start, _| c(start, "openblas", "large"),
    },
    Entry { key: "c", name: "C on MKL", cells: BOTH, build: |start, _| c(start, "mkl", "small") },
    #[cfg(target_os = "linux")]
    Entry { key: "c", name: "C on MKL, large pages", cells: BOTH, build: |start, _| c(start, "mkl", "large") },
    Entry { key: "numpy", name: "NumPy", cells: BOTH, build: |start, _| python(start, "step_numpy.py", "", 1) },
    Entry { key: "torch", name: "PyTorch", cells: BOTH, build: |start, _| python(start, "step_torch.py", "eager", 1) },
    Entry {
        key: "torch",
        name: "PyTorch, compiled",
        cells: BOTH,
        build: |start, _| python(start, "step_torch.py", "compiled", 1),
    },
    Entry { key: "jax", name: "JAX", cells: BOTH, build: |start, _| python(start, "step_jax.py", "1", 1) },
    Entry {
        key: "jax",
        name: "JAX, 16 steps per call",
        cells: BOTH,
        build: |start, _| python(start, "step_jax.py", "16", WINDOWS),
    },
];

fn here(start: &Rc<Start>, step: impl Step + 'static) -> Built {
    Ok(Box::new(Here::new(step, start.clone())))
}

fn rnnlm(start: &Rc<Start>, threads: usize, isa: &str) -> Built {
    rnnlm_in(start, threads, Isa::by_name(isa)?, false)
}

/// On the widest instruction set.
#[cfg(target_os = "linux")]
fn on_large_pages(start: &Rc<Start>, threads: usize) -> Built {
    rnnlm_in(start, threads, Isa::detect(), true)
}

fn rnnlm_in(start: &Rc<Start>, threads: usize, isa: Isa, large_pages: bool) -> Built {
    match start.workload.cell {
        Cell::Tanh => here(start, Rnnlm::<TanhCell>::new(start, threads, isa, large_pages)?),
        Cell::Lstm => here(start, Rnnlm::<LstmCell>::new(start, threads, isa, large_pages)?),
    }
}

fn by_hand(start: &Rc<Start>, multiply: Multiply) -> Built {
    match start.workload.cell {
        Cell::Tanh => here(start, Hand::new(start, multiply)),
        Cell::Lstm => here(start, HandLstm::new(start, multiply)),
    }
}

fn c(start: &Rc<Start>, library: &str, pages: &str) -> Built {
    Ok(Box::new(blas::start(start, library, pages)?))
}

fn python(start: &Rc<Start>, script: &str, variant: &str, multiple: usize) -> Built {
    Ok(Box::new(Process::python(start, script, variant, multiple)?))
}

/// One who is being measured.
struct Runner {
    name: String,
    peer: Box<dyn Peer>,
    /// rnnlm's vector width.
    width: Option<Width>,
    /// Steps of a slice.
    steps: usize,
    rates: Vec<f64>,
    /// The lower of the peaks before and after, and the share of their mean.
    shares: Vec<[f64; 2]>,
}

/// Measures everyone on a workload and prints the table.
///
/// # Errors
/// A peer that computes something else.
pub fn measure(workload: Workload, arguments: &Arguments) -> Result<Table, Failure> {
    let start = Rc::new(Start::new(workload)?);
    let mut reference = rnnlm(&start, 1, Isa::detect().name())?;
    let loss = reference.train(WINDOWS)?;
    let reference = Reference { workload, loss, weights: reference.weights()? };
    let slice = arguments.seconds / ROUNDS as f64;

    let (mut runners, mut missing) = (Vec::new(), Vec::new());
    for Entry { key, name, cells, build } in PEERS {
        if !arguments.includes(key) || !cells.contains(&workload.cell) {
            continue;
        }
        eprintln!("{}: {name}", workload.name);
        let outcome = if *name == "rnnlm portable" && workload.v > 1_000 {
            Err("a step takes seconds with emulated multiply-adds".into())
        } else if *key == "rust-lstm" && workload.h > 100 {
            Err("a step takes seconds in f64".into())
        } else {
            build(&start, arguments.threads).and_then(|mut peer| peer.train(WINDOWS).map(|loss| (peer, loss)))
        };
        match outcome {
            Ok((mut peer, loss)) => {
                reference.check(name, &start, loss, &peer.weights()?)?;
                let steps = steps_of(slice, &mut *peer)?;
                let isa = name.strip_prefix("rnnlm ").or((*name == "rnnlm, large pages").then(|| Isa::detect().name()));
                // a share is one of a single core's peak
                let width = widths().into_iter().find(|width| arguments.threads == 1 && isa == Some(width.isa));
                let name = peer.name().unwrap_or(name).to_string();
                runners.push(Runner { name, peer, width, steps, rates: Vec::new(), shares: Vec::new() });
            }
            Err(reason) => {
                eprintln!("NOT MEASURED: {name}: {reason}");
                missing.push(format!("{name}: {reason}"));
            }
        }
    }

    let sharing = Sharing::begin();
    let mut peaks: Vec<(Width, Vec<f64>)> = widths().into_iter().map(|width| (width, Vec::new())).collect();
    for round in 0..ROUNDS {
        eprintln!("{}: round {} of {ROUNDS}", workload.name, round + 1);
        for (width, figures) in &mut peaks {
            figures.push(width.measure());
        }
        for runner in &mut runners {
            // the caches hold what others left; who takes many steps per call makes up for that
            if runner.peer.multiple() == 1 {
                runner.peer.train(1)?;
            }
            let before = runner.width.map(|width| width.measure());
            let begin = Instant::now();
            let loss = runner.peer.train(runner.steps)?;
            let rate = runner.steps as f64 / begin.elapsed().as_secs_f64();
            let after = runner.width.map(|width| width.measure());
            if !loss.is_finite() {
                return Err(format!("{}: the loss became {loss}", runner.name).into());
            }
            runner.rates.push(rate);
            if let Some((before, after)) = before.zip(after) {
                let share = rate * workload.flop() / 1e9 / ((before + after) / 2.0);
                runner.shares.push([before.min(after), share]);
            }
        }
    }

    let own = runners.iter().rfind(|runner| runner.name.starts_with("rnnlm")).map(|runner| runner.rates.clone());
    let rows = runners.into_iter().map(|Runner { name, rates, shares, .. }| Row {
        own: name.starts_with("rnnlm"),
        name,
        share: (!shares.is_empty()).then(|| quiet_median(&shares)),
        ratio: own
            .as_ref()
            .map(|own| median(&own.iter().zip(&rates).map(|(own, rate)| own / rate).collect::<Vec<_>>())),
        rates,
    });
    let table = Table {
        workload,
        peaks: peaks.into_iter().map(|(width, figures)| (width.registers, median(&figures))).collect(),
        rows: rows.collect(),
        missing,
        others: sharing.and_then(|sharing| sharing.others()),
    };
    report::table(&table);
    Ok(table)
}

/// The median of the shares of quiet rounds.
fn quiet_median(shares: &[[f64; 2]]) -> f64 {
    let highest = shares.iter().fold(0.0, |highest: f64, [peak, _]| highest.max(*peak));
    let quiet = shares.iter().filter(|[peak, _]| *peak >= QUIET * highest).map(|[_, share]| *share);
    median(&quiet.collect::<Vec<_>>())
}

/// How many steps fill a slice of so many seconds, tried out; that warms up as well.
fn steps_of(slice: f64, peer: &mut dyn Peer) -> Result<usize, Failure> {
    let multiple = peer.multiple();
    let mut steps = multiple;
    loop {
        let begin = Instant::now();
        peer.train(steps)?;
        let seconds = begin.elapsed().as_secs_f64();
        if seconds >= slice / 4.0 {
            let calls = slice / seconds * (steps / multiple) as f64;
            return Ok(multiple * (calls.round() as usize).max(1));
        }
        steps *= 2;
    }
}

/// Where rnnlm is after one round over the windows.
struct Reference {
    workload: Workload,
    loss: f32,
    weights: Vec<f32>,
}

impl Reference {
    /// Whether a peer came to the same loss and weights.
    fn check(&self, name: &str, start: &Start, loss: f32, weights: &[f32]) -> Result<(), Failure> {
        let [first, own, others] = [&start.weights, &self.weights, weights].map(|block| self.workload.split(block));
        let mut apart = vec![("loss", f64::from((loss - self.loss) / self.loss).abs())];
        for (i, name) in NAMES.into_iter().enumerate() {
            apart.push((name, distance(own[i], others[i]) / distance(own[i], first[i])));
        }
        // in this order NaN, whose sign doesn't matter, is above everything
        let (what, worst) = apart.into_iter().max_by(|a, b| a.1.abs().total_cmp(&b.1.abs())).expect("seven of them");
        eprintln!("{}: {name}: {what} is away from rnnlm's by {worst:.1e} after {WINDOWS} steps", self.workload.name);
        if worst <= tolerance(self.workload.cell) {
            return Ok(());
        }
        Err(format!("{name} computes something else on workload {}: {what} is away by {worst:.1e}", self.workload.name)
            .into())
    }
}

/// Euclidean.
fn distance(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>().sqrt()
}
