//! Promise: any number of workers gives the same bits, in training with and without clipping and in evaluation,
//! whatever they do with a job: call it too often, too seldom, not at all, or panic.
#![cfg(feature = "alloc")]

#[path = "../allocations/counter.rs"]
mod allocations;
#[path = "../../examples/shared/pool.rs"]
mod pool;

use std::{
    cell::Cell,
    ops::ControlFlow,
    panic::{self, AssertUnwindSafe},
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    thread,
};

use allocations::count;
use pool::Pool;
use rnnlm::{
    AlignedVec, Config, Gradients, IGNORE, Isa, RnnlmTrainer, Sgd, SharedWorkspace, SimpleRnnlm, Storage, Workers,
    Workspace, Xorshift,
};

/// Of S, of M and of E, and what is at the edges: panels, blocks and pairs of rows that don't come out even, one row of
/// text, one step, one of everything.
const SIZES: [Config; 10] = [
    Config { vocab_size: 418, wordvec_size: 100, hidden_size: 100, batch_size: 10, time_size: 5 },
    Config { vocab_size: 1100, wordvec_size: 100, hidden_size: 100, batch_size: 20, time_size: 7 },
    Config { vocab_size: 64, wordvec_size: 16, hidden_size: 32, batch_size: 1, time_size: 8 },
    Config { vocab_size: 1537, wordvec_size: 67, hidden_size: 65, batch_size: 5, time_size: 13 },
    Config { vocab_size: 530, wordvec_size: 600, hidden_size: 530, batch_size: 4, time_size: 17 },
    Config { vocab_size: 700, wordvec_size: 9, hidden_size: 70, batch_size: 1, time_size: 70 },
    Config { vocab_size: 33, wordvec_size: 5, hidden_size: 7, batch_size: 3, time_size: 1 },
    Config { vocab_size: 513, wordvec_size: 20, hidden_size: 64, batch_size: 1, time_size: 64 },
    Config { vocab_size: 2, wordvec_size: 3, hidden_size: 1, batch_size: 7, time_size: 2 },
    Config { vocab_size: 1, wordvec_size: 1, hidden_size: 1, batch_size: 1, time_size: 1 },
];

/// Threads that share even the least work.
struct Eager<P>(P);

impl<P: Workers> Workers for Eager<P> {
    fn count(&self) -> usize {
        self.0.count()
    }
    fn run(&self, job: &(dyn Fn() + Sync)) {
        self.0.run(job);
    }
    fn least_work(&self) -> usize {
        1
    }
}

fn hash<W: Storage, S: Workspace>(model: &SimpleRnnlm<W, S>, more: impl IntoIterator<Item = f32>) -> u64 {
    let floats = model.weights_block().iter().chain(model.state()).copied().chain(more);
    floats
        .flat_map(|x| x.to_bits().to_le_bytes())
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

fn text(config: &Config, len: usize) -> Vec<u32> {
    let mut rng = Xorshift::new(7);
    (0..len)
        .map(|i| if i % 3 == 0 { rng.below(config.vocab_size as u32) } else { i as u32 % 5 % config.vocab_size as u32 })
        .collect()
}

/// Everything that workers take part in: steps in place, with targets to ignore, and clipped; evaluation.
fn all_of_it<W: Storage, S: Workspace>(model: SimpleRnnlm<W, S>) -> u64 {
    let config = model.config();
    let (mut model, window) = (model, config.batch_size * config.time_size);
    let ids = text(&config, 3 * window + 1);
    for step in 0..3 {
        let (xs, mut ts) = (&ids[step * window..][..window], ids[step * window + 1..][..window].to_vec());
        if step == 1 {
            ts.iter_mut().skip(1).step_by(3).for_each(|target| *target = IGNORE);
        }
        model.forward(xs, &ts).unwrap().sgd(0.3).unwrap();
    }
    let mut scores = Vec::new();
    let loss = model.score(&ids, |score| scores.extend([score.loss, score.rank as f32])).unwrap();
    scores.push(loss);
    let mut trainer = RnnlmTrainer::new(model, Sgd::new(0.2).unwrap()).unwrap();
    let mut steps = 0;
    let three = |steps: &mut usize| {
        *steps += 1;
        if steps.is_multiple_of(3) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    for max_norm in [f32::INFINITY, 0.01] {
        let gradients = Gradients::new(config).unwrap();
        let mut clipping = trainer.with_clipping(max_norm, gradients).unwrap().with_eval_interval(1);
        clipping.fit(&ids, 1000, |_| three(&mut steps)).unwrap();
        let state = clipping.training_state();
        trainer = RnnlmTrainer::new(clipping.into_model(), Sgd::new(0.2).unwrap()).unwrap();
        trainer.resume(&state).unwrap();
    }
    hash(trainer.model(), scores)
}

fn fresh(config: Config, isa: Isa) -> SimpleRnnlm {
    SimpleRnnlm::new(config, &mut Xorshift::new(1)).unwrap().with_isa(isa)
}

fn together<P: Workers>(config: Config, isa: Isa, workers: P) -> SimpleRnnlm<AlignedVec, SharedWorkspace<P>> {
    fresh(config, isa).with_workers(workers).unwrap()
}

#[test]
fn any_number_of_workers_gives_the_same_bits() {
    let pools = [1, 2, 3, 7].map(|count| Eager(Pool::new(count).unwrap()));
    for config in SIZES {
        for isa in Isa::available() {
            // the path that emulates the fused multiply-add takes its time
            let work = config.vocab_size * config.hidden_size * config.batch_size * config.time_size;
            if isa == Isa::SCALAR && work > 2_500_000 {
                continue;
            }
            let expected = all_of_it(fresh(config, isa));
            for pool in &pools {
                let hash = all_of_it(together(config, isa, pool));
                assert_eq!(hash, expected, "{} workers {} {config:?}", pool.count(), isa.name());
            }
        }
    }
}

/// The same with as much to do for each worker as pays.
#[test]
fn a_pool_as_it_is_gives_the_same_bits() {
    for config in [
        Config { vocab_size: 3000, wordvec_size: 64, hidden_size: 64, batch_size: 20, time_size: 35 },
        SIZES[0],
        SIZES[2],
    ] {
        let expected = all_of_it(fresh(config, Isa::detect()));
        for count in [0, 1, 2, 64] {
            assert_eq!(all_of_it(together(config, Isa::detect(), Pool::new(count).unwrap())), expected, "{count}");
        }
    }
}

/// Workers of all kinds, of which most break the rules.
struct Odd {
    count: usize,
    calls: usize,
    at_once: bool,
}

impl Workers for Odd {
    fn count(&self) -> usize {
        self.count
    }
    fn run(&self, job: &(dyn Fn() + Sync)) {
        if self.at_once {
            thread::scope(|scope| (0..self.calls).for_each(|_| _ = scope.spawn(job)));
        } else {
            (0..self.calls).for_each(|_| job());
        }
    }
    fn least_work(&self) -> usize {
        0
    }
}

#[test]
fn workers_that_break_the_rules_change_nothing() {
    for config in [SIZES[1], SIZES[2], SIZES[3]] {
        let expected = all_of_it(fresh(config, Isa::detect()));
        for (count, calls, at_once) in
            [(0, 1, false), (3, 0, false), (2, 1, false), (2, 9, false), (2, 9, true), (usize::MAX >> 40, 3, true)]
        {
            let odd = Odd { count, calls, at_once };
            let model = fresh(config, Isa::detect()).with_workers_in(odd, [0.0; 1000]);
            assert_eq!(all_of_it(model), expected, "{count} {calls} {at_once} {config:?}");
        }
    }
}

/// More workers from one question to the next.
struct Growing(Cell<usize>);

impl Workers for Growing {
    fn count(&self) -> usize {
        self.0.set(self.0.get() % 9 + 1);
        self.0.get()
    }
    fn run(&self, job: &(dyn Fn() + Sync)) {
        thread::scope(|scope| (0..self.0.get()).for_each(|_| _ = scope.spawn(job)));
    }
    fn least_work(&self) -> usize {
        1
    }
}

#[test]
fn the_number_of_workers_may_change() {
    let config = SIZES[3];
    let model = fresh(config, Isa::detect()).with_workers(Growing(Cell::new(3))).unwrap();
    assert_eq!(all_of_it(model), all_of_it(fresh(config, Isa::detect())));
}

#[test]
fn each_thread_of_a_pool_calls_a_job_at_most_once() {
    for count in [1, 2, 3, 64] {
        let pool = Pool::new(count).unwrap();
        for _ in 0..200 {
            let calls = AtomicUsize::new(0);
            pool.run(&|| _ = calls.fetch_add(1, Relaxed));
            assert!((1..=count).contains(&calls.load(Relaxed)));
        }
    }
}

/// No thread is needed for the job to be done, but each of them gets to it.
#[test]
fn all_threads_of_a_pool_come() {
    let pool = Pool::new(4).unwrap();
    for _ in 0..50 {
        let here = AtomicUsize::new(0);
        pool.run(&|| {
            here.fetch_add(1, Relaxed);
            while here.load(Relaxed) < 4 {
                thread::yield_now();
            }
        });
    }
}

#[test]
fn a_panic_in_a_thread_reaches_the_caller_and_the_pool_goes_on() {
    let pool = Pool::new(3).unwrap();
    let main = thread::current().id();
    let is_main = || thread::current().id() == main;
    for of_main in [false, true, false] {
        let here = AtomicUsize::new(0);
        let result = panic::catch_unwind(AssertUnwindSafe(|| {
            pool.run(&|| {
                here.fetch_add(1, Relaxed);
                while here.load(Relaxed) < 3 {
                    thread::yield_now();
                }
                assert!(is_main() != of_main, "on purpose");
            });
        }));
        assert!(result.is_err());
        let here = AtomicUsize::new(0);
        pool.run(&|| {
            here.fetch_add(1, Relaxed);
            while here.load(Relaxed) < 3 {
                thread::yield_now();
            }
        });
    }
}

/// A job inside a job, and jobs of two threads at a time: who comes second works alone.
#[test]
fn a_pool_that_is_busy_leaves_the_work_to_the_caller() {
    let pool = Pool::new(2).unwrap();
    let calls = AtomicUsize::new(0);
    pool.run(&|| pool.run(&|| _ = calls.fetch_add(1, Relaxed)));
    assert!((1..=2).contains(&calls.load(Relaxed)));
    let config = SIZES[1];
    let expected = all_of_it(fresh(config, Isa::detect()));
    let shared = &Eager(pool);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(move || assert_eq!(all_of_it(together(config, Isa::detect(), shared)), expected));
        }
    });
}

/// Workers of whom one panics instead of working.
struct Panics<'p>(&'p Pool, Cell<usize>);

impl Workers for Panics<'_> {
    fn count(&self) -> usize {
        self.0.count()
    }
    fn run(&self, job: &(dyn Fn() + Sync)) {
        let (main, left) = (thread::current().id(), self.1.get());
        self.1.set(left.saturating_sub(1));
        let here = AtomicUsize::new(0);
        self.0.run(&|| {
            here.fetch_add(1, Relaxed);
            while left == 1 && here.load(Relaxed) < 2 {
                thread::yield_now();
            }
            assert!(left != 1 || thread::current().id() == main, "on purpose");
            job();
        });
    }
    fn least_work(&self) -> usize {
        1
    }
}

/// The panic goes through the step, and a model whose weights are set anew goes on with the same bits.
#[test]
fn a_model_survives_a_worker_that_panics() {
    let (pool, config) = (Pool::new(2).unwrap(), SIZES[1]);
    let expected = all_of_it(fresh(config, Isa::detect()));
    let ids = text(&config, config.batch_size * config.time_size + 1);
    for at in 1..8 {
        let mut model = together(config, Isa::detect(), Panics(&pool, Cell::new(at)));
        let step = panic::catch_unwind(AssertUnwindSafe(|| {
            model.forward(&ids[..ids.len() - 1], &ids[1..]).unwrap().sgd(0.1).unwrap();
        }));
        assert!(step.is_err(), "{at}");
        model.initialize(&mut Xorshift::new(1));
        assert_eq!(all_of_it(model), expected, "{at}");
    }
}

/// Workers whose calls of the allocator are counted, on each thread, and how many jobs they did.
struct Counted<P>(P, AtomicUsize, AtomicUsize);

impl<P: Workers + Sync> Workers for Counted<P> {
    fn count(&self) -> usize {
        self.0.count()
    }
    fn run(&self, job: &(dyn Fn() + Sync)) {
        self.1.fetch_add(1, Relaxed);
        let counted = || {
            let ((), calls, _) = count(job);
            self.2.fetch_add(calls, Relaxed);
        };
        let ((), calls, _) = count(|| self.0.run(&counted));
        self.2.fetch_add(calls, Relaxed);
    }
    fn least_work(&self) -> usize {
        1
    }
}

/// Memory is taken with the workers, as much as was told, and then no more; and the workers are indeed asked.
#[test]
fn nothing_allocates_while_workers_compute() {
    for config in [SIZES[1], SIZES[2], SIZES[3]] {
        let workers = Counted(Pool::new(3).unwrap(), AtomicUsize::new(0), AtomicUsize::new(0));
        let model = fresh(config, Isa::detect());
        let (model, _, bytes) = count(|| model.with_workers(&workers).unwrap());
        let scratch = 4 * config.scratch_of_workers(3).unwrap();
        assert!((scratch..=scratch + 60).contains(&bytes), "{bytes} {scratch}");
        let (mut model, mut gradients) = (model, Gradients::new(config).unwrap());
        let ids = text(&config, config.batch_size * config.time_size + 1);
        let (xs, ts) = (&ids[..ids.len() - 1], &ids[1..]);
        let ((), calls, _) = count(|| {
            for _ in 0..3 {
                model.forward(xs, ts).unwrap().sgd(0.1).unwrap();
                model.forward(xs, ts).unwrap().backward(&mut gradients).unwrap();
                model.clip(&mut gradients, 0.1).unwrap();
                Sgd::new(0.1).unwrap().update(&mut model, &gradients).unwrap();
                model.evaluate(&ids).unwrap();
            }
        });
        assert_eq!((calls, workers.2.load(Relaxed)), (0, 0));
        // logits, softmax, dh and dW of each of six forward and three backward passes, at least
        assert!(workers.1.load(Relaxed) > 40, "{} {config:?}", workers.1.load(Relaxed));
    }
}

/// All that workers write in: the columns of packed products, rows of all others, rows of text.
#[test]
fn a_model_that_an_interpreter_can_train() {
    let config = Config { vocab_size: 520, wordvec_size: 1, hidden_size: 2, batch_size: 8, time_size: 8 };
    // an emulated multiply-add is slow enough without an interpreter
    for isa in Isa::available().filter(|&isa| !cfg!(miri) || isa != Isa::SCALAR) {
        let ids = text(&config, 65);
        let (mut one, mut two) = (fresh(config, isa), together(config, isa, Eager(Pool::new(2).unwrap())));
        one.forward(&ids[..64], &ids[1..]).unwrap().sgd(0.1).unwrap();
        two.forward(&ids[..64], &ids[1..]).unwrap().sgd(0.1).unwrap();
        assert_eq!(hash(&one, []), hash(&two, []), "{}", isa.name());
    }
}

fn tiny_steps(steps: usize) {
    let config = Config { vocab_size: 9, wordvec_size: 3, hidden_size: 8, batch_size: 4, time_size: 2 };
    let ids = text(&config, 9);
    let mut one = fresh(config, Isa::detect());
    let mut three = together(config, Isa::detect(), Eager(Pool::new(3).unwrap()));
    for _ in 0..steps {
        let loss = one.forward(&ids[..8], &ids[1..]).unwrap().sgd(0.01).unwrap();
        assert_eq!(three.forward(&ids[..8], &ids[1..]).unwrap().sgd(0.01).unwrap().to_bits(), loss.to_bits());
    }
    assert_eq!(hash(&one, []), hash(&three, []));
}

#[test]
fn thousands_of_tiny_steps_lose_no_wake_up() {
    tiny_steps(3_000);
}

/// About ten million jobs.
#[test]
#[ignore = "takes a minute or more"]
fn a_million_tiny_steps_lose_no_wake_up() {
    tiny_steps(1_000_000);
}
