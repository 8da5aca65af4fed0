//! Keeps the model while it is trained, and the learning rate in step with the validation.

use std::{any::Any, num::NonZeroUsize};

use rnnlm::{
    Cell, Checkpoint, CheckpointError, Config, ConfigError, DecayOnPlateau, LstmCell, ParameterError, Quantized,
    TanhCell, TrainingState,
};

use crate::{
    Failure,
    output::Output,
    threads::{Model, Step},
};

/// The files with the model, and what belongs into them besides the trainer's part.
#[derive(Debug)]
pub struct Keeper {
    save: Option<Snapshot>,
    /// After how many epochs each to save.
    every: Option<NonZeroUsize>,
    best: Option<Snapshot>,
    /// The last model as int8 weights.
    int8: Option<Output>,
    schedule: DecayOnPlateau,
    /// The first epoch after which the rate falls also where the validation is better.
    decay_from: usize,
    /// Epochs of this run since the validation was last improved.
    stale: usize,
    /// The seed and the random generator, which training doesn't move.
    start: TrainingState,
    words: String,
}

impl Keeper {
    /// Saves models of these sizes and words; goes on from the state `start`.
    pub fn new(words: String, start: TrainingState) -> Result<Self, ParameterError> {
        let schedule = DecayOnPlateau::new(start.decay)?.with_best_loss(start.best_loss)?;
        Ok(Self {
            save: None,
            every: None,
            best: None,
            int8: None,
            schedule,
            decay_from: usize::MAX,
            stale: 0,
            start,
            words,
        })
    }

    /// Divides the rate after each epoch from this one on.
    pub fn with_decay_from(self, epoch: Option<NonZeroUsize>) -> Self {
        Self { decay_from: epoch.map_or(usize::MAX, NonZeroUsize::get), ..self }
    }

    /// Takes the memory for saving models of this configuration to these files.
    pub fn with_files<C: Cell>(
        self,
        config: Config,
        save: Option<Output>,
        every: Option<NonZeroUsize>,
        best: Option<Output>,
    ) -> Result<Self, ConfigError> {
        let len = Checkpoint::<C>::encoded_len_as(config, self.words.len())?;
        let snapshot = |output: Option<Output>| output.map(|output| Snapshot::new(output, len)).transpose();
        Ok(Self { save: snapshot(save)?, every, best: snapshot(best)?, ..self })
    }

    /// Writes the last model to this file too, as int8 weights.
    pub fn with_int8(self, int8: Option<Output>) -> Self {
        Self { int8, ..self }
    }

    /// Takes note of the validation loss of an epoch that is complete, and saves where it is time to. A file that can't
    /// be written stops nothing: it is tried again after each epoch, and at the end. Gives back what to warn of.
    pub fn after_epoch<C: Cell>(&mut self, progress: Step<'_, C>, valid: Option<f32>) -> Result<Vec<String>, Failure> {
        let observed = valid.map(|loss| self.schedule.observe(loss, progress.optimizer));
        // where the validation is no better, the rate has fallen by now
        if progress.epoch >= self.decay_from && matches!(observed, Some(Ok(true)) | None) {
            // the rate is as low as it can get where this is refused: it stays
            let _ = progress.optimizer.set_learning_rate(progress.optimizer.learning_rate() / self.schedule.factor());
        }
        let improved = match observed {
            Some(Err(ParameterError::LearningRate)) | None => false,
            Some(observed) => observed?,
        };
        self.stale = if improved { 0 } else { self.stale + 1 };
        let state = self.complete(&progress.training_state());
        let is_save_due = self.is_save_due(progress.epoch) || self.save.as_ref().is_some_and(|save| save.is_owed);
        let mut warnings = Vec::new();
        for (snapshot, is_due) in [(&mut self.best, improved), (&mut self.save, is_save_due)] {
            let Some(snapshot) = snapshot else { continue };
            let was_owed = snapshot.is_owed;
            if is_due {
                snapshot.take(progress.model, &state, &self.words)?;
            }
            // of a trouble that lasts the user is told once
            warnings.extend(snapshot.write().err().filter(|_| !was_owed));
        }
        Ok(warnings)
    }

    /// Whether --save-every asks for a save after this epoch.
    pub fn is_save_due(&self, epoch: usize) -> bool {
        self.every.is_some_and(|every| epoch.is_multiple_of(every.get()))
    }

    /// How many epochs of this run the best validation is back.
    pub fn stale(&self) -> usize {
        self.stale
    }

    /// Saves at the end of the run: the model with the trainer's state, if it is sound, and what couldn't be written
    /// before. Gives back what went wrong.
    pub fn finish<C: Cell>(&mut self, last: Option<(&Model<C>, &TrainingState)>) -> Vec<String> {
        let quantized = match (&self.int8, last) {
            (Some(output), Some((model, _))) => self.quantize(model).and_then(|bytes| output.write(&bytes)),
            _ => Ok(()),
        };
        let last = last.map(|(model, state)| (model, self.complete(state)));
        let taken = match (&mut self.save, last) {
            (Some(save), Some((model, state))) => save.take(model, &state, &self.words),
            _ => Ok(()),
        };
        let written = [&mut self.best, &mut self.save].into_iter().flatten().map(Snapshot::write);
        written.chain([taken.map_err(|error| error.to_string()), quantized]).filter_map(Result::err).collect()
    }

    fn quantize<C: Cell>(&self, model: &Model<C>) -> Result<Vec<u8>, String> {
        let (config, words, model): (_, &str, &dyn Any) = (model.config(), &self.words, model);
        let bytes = if let Some(model) = model.downcast_ref::<Model<LstmCell>>() {
            let len = Quantized::<LstmCell>::encoded_len_as(config, words.len());
            bytes_of(len, |to| Quantized::write(&model.weights(), words, to))
        } else if let Some(model) = model.downcast_ref::<Model<TanhCell>>() {
            let len = Quantized::encoded_len(config, words.len());
            bytes_of(len, |to| Quantized::write(&model.weights(), words, to))
        } else {
            return Err("--quantize knows the cells rnn and lstm alone: leave it out".into());
        };
        bytes.map_err(|error| format!("--quantize: {error}"))
    }

    fn complete(&self, trainers: &TrainingState) -> TrainingState {
        let TrainingState { seed, rng, .. } = self.start;
        let (decay, best_loss) = (self.schedule.factor(), self.schedule.best_loss());
        TrainingState { decay, best_loss, seed, rng, ..*trainers }
    }
}

/// What `write` writes into memory of this length.
fn bytes_of(
    len: Result<usize, ConfigError>,
    write: impl FnOnce(&mut [u8]) -> Result<usize, CheckpointError>,
) -> Result<Vec<u8>, CheckpointError> {
    let mut bytes = vec![0; len?];
    write(&mut bytes)?;
    Ok(bytes)
}

/// A model as it was, on its way into its file.
#[derive(Debug)]
struct Snapshot {
    output: Output,
    bytes: Vec<u8>,
    /// Not written yet.
    is_owed: bool,
}

impl Snapshot {
    fn new(output: Output, len: usize) -> Result<Self, ConfigError> {
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(len).map_err(|_| ConfigError::OutOfMemory)?;
        bytes.resize(len, 0);
        Ok(Self { output, bytes, is_owed: false })
    }

    fn take<C: Cell>(&mut self, model: &Model<C>, state: &TrainingState, words: &str) -> Result<(), Failure> {
        Checkpoint::write(model, state, words, &mut self.bytes)?;
        self.is_owed = true;
        Ok(())
    }

    /// Writes what is owed.
    fn write(&mut self) -> Result<(), String> {
        if self.is_owed {
            self.output.write(&self.bytes)?;
            self.is_owed = false;
        }
        Ok(())
    }
}
