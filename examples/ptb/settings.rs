//! What a run goes by: what its flags name, else what the loaded file holds, else the defaults.

use std::num::NonZeroUsize;

use rnnlm::{Config, TrainingState, Xorshift};

use crate::{args::Options, saved::Saved, visible::visible};

/// Sizes and state to begin with.
#[derive(Debug)]
pub struct Settings {
    /// D, H, N, T; V is that of the file loaded, or 0.
    pub config: Config,
    pub state: TrainingState,
    /// The epochs in all.
    pub epochs: usize,
}

impl Settings {
    /// The error is a message for the user: a flag contradicts the file.
    pub fn new(options: &Options, saved: Option<&Saved<'_>>, is_built_in: bool) -> Result<Self, String> {
        let file = saved.map(|saved| saved.checkpoint.config());
        let training = saved.and_then(|saved| saved.checkpoint.training());
        // bare weights know nothing of N and T
        let windows = file.filter(|_| training.is_some());
        let size = |flag: &str, named: Option<NonZeroUsize>, of_file: Option<usize>, default| match (
            named.map(NonZeroUsize::get),
            of_file,
        ) {
            (Some(named), Some(of_file)) if named != of_file => {
                let path = saved.map(|saved| visible(saved.path)).unwrap_or_default();
                Err(format!("{flag} {named} contradicts {path}, which has {of_file}: leave the flag out"))
            }
            (named, of_file) => Ok(named.or(of_file).unwrap_or(default)),
        };
        let config = Config {
            vocab_size: file.map_or(0, |file| file.vocab_size),
            wordvec_size: size("--wordvec", options.wordvec, file.map(|file| file.wordvec_size), 100)?,
            hidden_size: size("--hidden", options.hidden, file.map(|file| file.hidden_size), 100)?,
            batch_size: size("--batch", options.batch, windows.map(|file| file.batch_size), 10)?,
            time_size: size("--time", options.time, windows.map(|file| file.time_size), 5)?,
        };
        let mut state = training.unwrap_or_else(|| {
            let seed = options.seed.unwrap_or(1);
            let learning_rate = if is_built_in { 0.2 } else { 0.1 };
            TrainingState { learning_rate, seed, rng: Xorshift::new(seed).state(), ..TrainingState::default() }
        });
        state.learning_rate = options.lr.unwrap_or(state.learning_rate);
        state.max_norm = options.clip.unwrap_or(state.max_norm);
        state.decay = options.lr_decay.unwrap_or(state.decay);
        state.seed = options.seed.unwrap_or(state.seed);
        let epochs = options.epochs.unwrap_or(if is_built_in { 12 } else { 100 });
        Ok(Self { config, state, epochs })
    }

    /// Whether there are epochs to train.
    pub fn trains(&self) -> bool {
        self.state.epoch < self.epochs as u64
    }

    /// The epochs to train.
    pub fn epochs_left(&self) -> usize {
        usize::try_from(self.state.epoch).map_or(0, |done| self.epochs.saturating_sub(done))
    }

    /// Whether the read position is the one that the epochs done so far give on a text of so many tokens.
    pub fn position_fits(&self, tokens: usize) -> bool {
        let Config { batch_size, time_size, .. } = self.config;
        let TrainingState { epoch, iteration, position, .. } = self.state;
        let [epoch, iteration, position, t] = [epoch, iteration, position, time_size as u64].map(u128::from);
        let data_size = tokens.saturating_sub(1) as u128;
        let steps = data_size / (batch_size as u128).saturating_mul(t).max(1);
        let steps_done = epoch.saturating_mul(steps).saturating_add(iteration);
        steps_done.saturating_mul(t) % data_size.max(1) == position
    }
}
