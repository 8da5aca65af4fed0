//! Steps per second of several workers over those of one, in alternating slices of one process:
//!
//! ```text
//! cargo bench --bench workers -- [--threads K] [--seconds S] [WORKLOAD..]
//! ```
//!
//! M is the whole Penn Treebank vocabulary, L the same with 650 hidden units, S the book's experiment; -clip clips the
//! gradients, -eval evaluates a text of a window. The ratio is the median over pairs of slices side by side.

#[path = "../examples/shared/pool.rs"]
mod pool;

use std::{
    env, thread,
    time::{Duration, Instant},
};

use pool::Pool;
use rnnlm::{Config, Gradients, Sgd, SimpleRnnlm, StepError, Storage, Workers, Workspace, Xorshift};

const S: Config = Config { vocab_size: 418, wordvec_size: 100, hidden_size: 100, batch_size: 10, time_size: 5 };
const M: Config = Config { vocab_size: 10_000, wordvec_size: 100, hidden_size: 100, batch_size: 20, time_size: 35 };
const L: Config = Config { vocab_size: 10_000, wordvec_size: 650, hidden_size: 650, batch_size: 20, time_size: 35 };

#[derive(Clone, Copy, PartialEq)]
enum Work {
    Step,
    Clip,
    Evaluate,
}

const WORKLOADS: [(&str, Config, Work); 7] = [
    ("S", S, Work::Step),
    ("M", M, Work::Step),
    ("L", L, Work::Step),
    ("M-clip", M, Work::Clip),
    ("L-clip", L, Work::Clip),
    ("M-eval", M, Work::Evaluate),
    ("L-eval", L, Work::Evaluate),
];

/// A model with its window.
struct Run<W, S> {
    model: SimpleRnnlm<W, S>,
    gradients: Gradients,
    ids: Vec<u32>,
    work: Work,
}

impl<W: Storage, S: Workspace> Run<W, S> {
    fn new(model: SimpleRnnlm<W, S>, work: Work) -> Self {
        let config = model.config();
        let mut rng = Xorshift::new(2);
        let ids = (0..=config.batch_size * config.time_size).map(|_| rng.below(config.vocab_size as u32)).collect();
        Self { model, gradients: Gradients::new(config).expect("the sizes fit"), ids, work }
    }

    fn step(&mut self) {
        let Self { model, gradients, ids, work } = self;
        let (xs, ts) = (&ids[..ids.len() - 1], &ids[1..]);
        let loss = match work {
            Work::Step => model.forward(xs, ts).and_then(|window| window.sgd(0.1)),
            Work::Clip => clipped_step(model, gradients, xs, ts),
            Work::Evaluate => model.evaluate(ids),
        };
        assert!(loss.expect("a finite step") > 0.0);
    }

    /// Steps per second over about so long.
    fn slice(&mut self, time: Duration) -> f64 {
        let start = Instant::now();
        let mut steps = 0;
        while steps < 1 || start.elapsed() < time {
            self.step();
            steps += 1;
        }
        f64::from(steps) / start.elapsed().as_secs_f64()
    }
}

fn clipped_step<W: Storage, S: Workspace>(
    model: &mut SimpleRnnlm<W, S>,
    gradients: &mut Gradients,
    xs: &[u32],
    ts: &[u32],
) -> Result<f32, StepError> {
    let loss = model.forward(xs, ts)?.backward(gradients)?;
    model.clip(gradients, 0.25)?;
    Sgd::new(0.1)?.update(model, gradients)?;
    Ok(loss)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    let mut threads = thread::available_parallelism().map_or(1, usize::from);
    let (mut seconds, mut names) = (10.0, Vec::new());
    let mut arguments = env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut number = || arguments.next().and_then(|number| number.parse::<f64>().ok()).expect("a number");
        match &*argument {
            "--threads" => threads = number() as usize,
            "--seconds" => seconds = number(),
            "--test" => seconds = 0.0,
            "--bench" => {}
            _ => names.push(argument),
        }
    }
    for (name, config, work) in WORKLOADS {
        if if names.is_empty() { name.len() > 1 && seconds == 0.0 } else { !names.iter().any(|named| named == name) } {
            continue;
        }
        let model = SimpleRnnlm::new(config, &mut Xorshift::new(1)).expect("the sizes fit");
        let pool = Pool::new(threads).expect("threads");
        let count = pool.count();
        let mut many = Run::new(model.clone().with_workers(pool).expect("memory"), work);
        let mut one = Run::new(model, work);
        let slices = if seconds == 0.0 { 1 } else { 21 };
        let time = Duration::from_secs_f64(seconds / 2.0 / slices as f64);
        one.step();
        many.step();
        let pairs: Vec<_> = (0..slices).map(|_| (one.slice(time), many.slice(time))).collect();
        let of = |value: fn(&(f64, f64)) -> f64| median(pairs.iter().map(value).collect());
        println!(
            "{name} {}: {:.2}/s with 1, {:.2}/s with {count}, ratio {:.3}",
            one.model.isa(),
            of(|pair| pair.0),
            of(|pair| pair.1),
            of(|pair| pair.1 / pair.0),
        );
    }
}
