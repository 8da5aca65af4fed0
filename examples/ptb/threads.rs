//! The threads that a model is computed by, and what it is then called.

use std::{num::NonZeroUsize, thread};

use rnnlm::{AlignedVec, Cell, Config, ConfigError, Progress, RnnlmTrainer, SharedWorkspace, Workers, Xorshift};

use crate::{Failure, pages::Pages, pool::Pool};

type Workspace = SharedWorkspace<Pool, Pages>;
pub type Model<C> = rnnlm::Model<C, Pages, Workspace>;
pub type Trainer<C> = RnnlmTrainer<Pages, Workspace, Vec<u32>, AlignedVec, C>;
pub type Step<'t, C> = Progress<'t, Pages, Workspace, C>;

/// The multiply-adds of a step from which on all cores are taken: in shorter ones threads wait as long as they work.
const WORTH_IT: usize = 50_000_000;

/// As many threads as the user names; else all cores where it pays, and one where it doesn't.
pub fn start(named: Option<NonZeroUsize>, config: &Config) -> Result<Pool, Failure> {
    let &Config { vocab_size: v, wordvec_size: d, hidden_size: h, batch_size: n, time_size: t } = config;
    let inputs = d.saturating_add(h).saturating_add(v);
    let pays = [3, h, n, t].into_iter().fold(inputs, usize::saturating_mul) >= WORTH_IT;
    let count = match named {
        Some(named) => named.get(),
        None if pays => thread::available_parallelism().map_or(1, usize::from),
        None => 1,
    };
    Pool::new(count).map_err(|error| format!("can't start {count} threads: {error}: name fewer by --threads").into())
}

/// What more than one thread take: bytes, and a word for the user.
pub fn told<C: Cell>(pool: &Pool, config: &Config) -> Result<(usize, String), ConfigError> {
    let count = pool.count();
    let words = if count > 1 { format!(", {count} threads") } else { String::new() };
    Ok((4 * config.scratch_of_workers_of::<C>(count)?, words))
}

/// A model with weights drawn by `rng`, computed by these threads.
pub fn model<C: Cell>(config: Config, rng: &mut Xorshift, pool: Pool) -> Result<Model<C>, ConfigError> {
    let memory = config.memory_of::<C>()?;
    let pages = |len| Pages::zeroed(len).map_err(|_| ConfigError::OutOfMemory);
    let mut model = rnnlm::Model::with_buffers(config, pages(memory.weights)?, pages(memory.workspace)?)?;
    model.initialize(rng);
    model.with_workers(pool)
}
