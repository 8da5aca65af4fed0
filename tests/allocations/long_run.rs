//! Promise: nothing allocates after construction, and the same bits everywhere, in long runs too: a million steps of
//! workload E, and twenty epochs of real text, with memory as it was at the start. Three minutes, so it is a command of
//! its own:
//!
//! ```text
//! RNNLM_PTB=folder cargo test --release --test allocations long_run:: -- --ignored --nocapture
//! ```

use std::{env, fs, io::Write, ops::ControlFlow, path::PathBuf, sync::Mutex, time::Instant};

use rnnlm::{Config, Corpus, Isa, RnnlmTrainer, Sgd, SimpleRnnlm, Xorshift};

use crate::counter::count;

/// Workload E of the benchmarks.
const E: Config = Config { vocab_size: 64, wordvec_size: 16, hidden_size: 32, batch_size: 1, time_size: 8 };
const STEPS: usize = 1_000_000;
const FIRST_STEPS: usize = 100_000;

/// What reading the figure itself takes; a byte a step would be more.
const SLACK: u64 = 64;

/// Memory is that of the whole process, so one test runs at a time.
static ALONE: Mutex<()> = Mutex::new(());

/// FNV-1a over the bits of weights and hidden state.
fn hash(model: &SimpleRnnlm) -> String {
    let bytes = model.weights_block().iter().chain(model.state()).flat_map(|x| x.to_bits().to_le_bytes());
    let fnv = |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    format!("{:016x}", bytes.fold(0xcbf2_9ce4_8422_2325, fnv))
}

/// The memory of this process that is in use, in KiB; where the system doesn't tell, 0.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse().unwrap_or(0)
}

/// Steps on random ids with a pattern to learn: each target follows from its input, nine times in ten.
fn train(model: &mut SimpleRnnlm, rng: &mut Xorshift, steps: usize) {
    let (mut xs, mut ts) = ([0; 8], [0; 8]);
    for _ in 0..steps {
        xs.fill_with(|| rng.below(64));
        for (t, x) in ts.iter_mut().zip(xs) {
            *t = if rng.below(10) == 0 { rng.below(64) } else { (x * 5 + 3) % 64 };
        }
        model.forward(&xs, &ts).unwrap().sgd(0.1).unwrap();
    }
}

/// The portable path, which emulates the fused multiply-add, takes the first tenth.
#[test]
#[ignore = "half a minute"]
fn a_million_steps() {
    let _alone = ALONE.lock();
    for isa in Isa::available() {
        let mut model = SimpleRnnlm::new(E, &mut Xorshift::new(1)).unwrap().with_isa(isa);
        let mut rng = Xorshift::new(11);
        let started = Instant::now();
        let ((), calls, _) = count(|| train(&mut model, &mut rng, FIRST_STEPS));
        assert_eq!((calls, &*hash(&model)), (0, "1d41348ff3d039b7"), "{}", isa.name());
        let mut steps = FIRST_STEPS;
        let before = resident();
        if isa != Isa::SCALAR {
            let ((), calls, _) = count(|| train(&mut model, &mut rng, STEPS - FIRST_STEPS));
            assert_eq!((calls, &*hash(&model)), (0, "a3012363d3a3b15f"), "{}", isa.name());
            steps = STEPS;
        }
        let grown = resident().saturating_sub(before);
        println!("E, {}: {steps} steps, {:.1?}, no allocation, {grown} KiB more", isa.name(), started.elapsed());
        assert!(grown <= SLACK, "{}", isa.name());
    }
}

/// The first epoch on every instruction set, nineteen more on the fastest.
#[test]
#[ignore = "two minutes and a half"]
fn twenty_epochs_of_real_text() {
    let _alone = ALONE.lock();
    let Some(folder) = env::var_os("RNNLM_PTB") else {
        // past the capture of the test runner
        let _ = writeln!(std::io::stderr(), "SKIPPED: a long run, as RNNLM_PTB names no folder with ptb.valid.txt");
        return;
    };
    let path = PathBuf::from(folder).join("ptb.valid.txt");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let corpus = Corpus::from_text(&text).unwrap();
    let vocab_size = corpus.vocabulary().len();
    let config = Config { vocab_size, wordvec_size: 30, hidden_size: 33, batch_size: 20, time_size: 35 };
    for isa in Isa::available() {
        let model = SimpleRnnlm::new(config, &mut Xorshift::new(1)).unwrap().with_isa(isa);
        let mut trainer = RnnlmTrainer::new(model, Sgd::new(1.0).unwrap()).unwrap().with_eval_interval(1);
        // room for the perplexities
        trainer.fit(corpus.ids(), 20, |_| ControlFlow::Break(())).unwrap();
        let before = resident();
        let mut epochs = |last| {
            let started = Instant::now();
            let (fitted, calls, _) = count(|| trainer.fit(corpus.ids(), last, |_| ControlFlow::<()>::Continue(())));
            fitted.unwrap();
            let (grown, perplexity) = (resident().saturating_sub(before), trainer.perplexities()[last - 1]);
            println!(
                "valid text, {}: epoch {last}, {:.1?}, perplexity {perplexity:.2}, \
                 {calls} allocations, {grown} KiB more",
                isa.name(),
                started.elapsed(),
            );
            assert!(calls == 0 && grown <= SLACK, "{}", isa.name());
            (perplexity, hash(trainer.model()))
        };
        let (first, bits) = epochs(1);
        assert_eq!(bits, "a0ddf86f8941b713", "{}", isa.name());
        if isa == Isa::detect() {
            let (last, _) = epochs(20);
            assert!(last < first / 2.0, "{last} after {first}");
        }
    }
}
