//! What a run goes by: what its flags name, else what the loaded file holds, else the defaults.

use std::num::NonZeroUsize;

use rnnlm::{Cell, Config, TrainingState, Xorshift};

use crate::{args::Options, saved::Saved, text::Start, visible::visible};

/// What is taken where neither a flag nor a loaded file names it.
#[derive(Debug)]
pub struct Defaults {
    batch_size: usize,
    time_size: usize,
    learning_rate: f32,
    max_norm: f32,
    /// The decay of a run that is validated.
    decay: f32,
    epochs: usize,
}

impl Defaults {
    /// The book's experiment.
    pub const BOOK: Self =
        Self { batch_size: 10, time_size: 5, learning_rate: 0.1, max_norm: f32::INFINITY, decay: 1.0, epochs: 100 };
    /// For the built-in text.
    pub const BUILT_IN: Self = Self { learning_rate: 0.2, epochs: 12, ..Self::BOOK };
    /// For a long text of the user's own: a good model in some minutes.
    pub const OWN: Self =
        Self { batch_size: 10, time_size: 20, learning_rate: 5.0, max_norm: 0.25, decay: 2.0, epochs: 8 };
}

/// Sizes and state to begin with.
#[derive(Debug)]
pub struct Settings {
    /// D, H, N, T; V is that of the file loaded, or 0.
    pub config: Config,
    pub state: TrainingState,
    /// The epochs in all.
    pub epochs: usize,
    /// Whether the file loaded, if any, was trained with these N and T.
    pub keeps_windows: bool,
    are_epochs_named: bool,
}

impl Settings {
    /// The error is a message for the user: a flag contradicts the file.
    pub fn new<C: Cell>(options: &Options, saved: Option<&Saved<'_, C>>, defaults: &Defaults) -> Result<Self, String> {
        let file = saved.map(|saved| saved.checkpoint.config());
        let training = saved.and_then(|saved| saved.checkpoint.training());
        // bare weights know nothing of N and T
        let windows = file.filter(|_| training.is_some());
        let size = |flag: &str, named: Option<NonZeroUsize>, of_file: Option<usize>| match (
            named.map(NonZeroUsize::get),
            of_file,
        ) {
            (Some(named), Some(of_file)) if named != of_file => {
                let path = saved.map(|saved| visible(saved.path)).unwrap_or_default();
                Err(format!("{flag} {named} contradicts {path}, which has {of_file}: leave the flag out"))
            }
            (named, of_file) => Ok(named.or(of_file).unwrap_or(100)),
        };
        let window = |named: Option<NonZeroUsize>, of_file: Option<usize>, default| {
            named.map(NonZeroUsize::get).or(of_file).unwrap_or(default)
        };
        let config = Config {
            vocab_size: file.map_or(0, |file| file.vocab_size),
            wordvec_size: size("--wordvec", options.wordvec, file.map(|file| file.wordvec_size))?,
            hidden_size: size("--hidden", options.hidden, file.map(|file| file.hidden_size))?,
            batch_size: window(options.batch, windows.map(|file| file.batch_size), defaults.batch_size),
            time_size: window(options.time, windows.map(|file| file.time_size), defaults.time_size),
        };
        let keeps_windows =
            windows.is_none_or(|file| (file.batch_size, file.time_size) == (config.batch_size, config.time_size));
        let is_validated = options.valid.is_some() || options.valid_fraction.is_some();
        let mut state = training.unwrap_or_else(|| {
            let seed = options.seed.unwrap_or(1);
            let Defaults { learning_rate, max_norm, .. } = *defaults;
            let decay = if is_validated { defaults.decay } else { 1.0 };
            TrainingState {
                learning_rate,
                max_norm,
                decay,
                seed,
                rng: Xorshift::new(seed).state(),
                ..TrainingState::default()
            }
        });
        state.learning_rate = options.lr.unwrap_or(state.learning_rate);
        state.max_norm = options.clip.unwrap_or(state.max_norm);
        state.decay = options.lr_decay.unwrap_or(state.decay);
        state.seed = options.seed.unwrap_or(state.seed);
        let epochs = options.epochs.unwrap_or(defaults.epochs);
        Ok(Self { config, state, epochs, keeps_windows, are_epochs_named: options.epochs.is_some() })
    }

    /// Whether training starts anew. Where nothing is trained, the file stays what it is.
    pub fn starts_anew(&self, start: Start) -> bool {
        let trains = match start {
            Start::AsSaved => return false,
            Start::SameText => self.trains(),
            Start::OtherText => self.trains() || !self.are_epochs_named,
        };
        trains || !self.keeps_windows
    }

    /// Starts to read anew, a text of so many tokens: where these epochs would have ended on it, so that the run can go
    /// on exactly from there once it is saved again. In another text the best validation so far counts no more, and
    /// the default number of epochs is trained.
    pub fn start_anew(&mut self, tokens: usize, is_other_text: bool) {
        self.state.iteration = 0;
        self.state.losses = [0.0; 2];
        self.state.position = u64::try_from(self.expected_position(tokens)).unwrap_or(0);
        if is_other_text {
            self.state.best_loss = f32::INFINITY;
            if !self.are_epochs_named {
                self.epochs = self.epochs.saturating_add(usize::try_from(self.state.epoch).unwrap_or(usize::MAX));
            }
        }
    }

    /// Whether there are epochs to train.
    pub fn trains(&self) -> bool {
        self.state.epoch < self.epochs as u64
    }

    /// The epochs to train.
    pub fn epochs_left(&self) -> usize {
        usize::try_from(self.state.epoch).map_or(0, |done| self.epochs.saturating_sub(done))
    }

    /// Whether the file loaded, if any, stopped where its epochs end on a text of so many tokens, with these N and T.
    pub fn position_fits(&self, tokens: usize) -> bool {
        self.keeps_windows && self.expected_position(tokens) == u128::from(self.state.position)
    }

    /// The read position that the epochs done so far give on a text of so many tokens.
    fn expected_position(&self, tokens: usize) -> u128 {
        let Config { batch_size, time_size, .. } = self.config;
        let TrainingState { epoch, iteration, .. } = self.state;
        let [epoch, iteration, t] = [epoch, iteration, time_size as u64].map(u128::from);
        let data_size = tokens.saturating_sub(1) as u128;
        let steps = data_size / (batch_size as u128).saturating_mul(t).max(1);
        let steps_done = epoch.saturating_mul(steps).saturating_add(iteration);
        steps_done.saturating_mul(t) % data_size.max(1)
    }
}
