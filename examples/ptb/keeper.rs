//! Keeps the model while it is trained, and the learning rate in step with the validation.

use std::num::NonZeroUsize;

use rnnlm::{
    AlignedVec, Checkpoint, Config, ConfigError, DecayOnPlateau, Progress, SimpleRnnlm, StepError, TrainingState,
};

use crate::{Failure, output::Output};

/// The files with the model, and what belongs into them besides the trainer's part.
#[derive(Debug)]
pub struct Keeper {
    save: Option<Output>,
    /// After how many epochs each to save.
    every: Option<NonZeroUsize>,
    best: Option<Output>,
    schedule: DecayOnPlateau,
    /// The seed and the random generator, which training doesn't move.
    start: TrainingState,
    words: String,
    /// The bytes of a file.
    bytes: Vec<u8>,
}

impl Keeper {
    /// Takes the memory for a file with a model of these sizes and words; goes on from the state `start`.
    pub fn new(config: &Config, words: String, start: TrainingState) -> Result<Self, Failure> {
        let (mut bytes, len) = (Vec::new(), Checkpoint::len(config, words.len())?);
        bytes.try_reserve_exact(len).map_err(|_| ConfigError::OutOfMemory)?;
        bytes.resize(len, 0);
        let schedule = DecayOnPlateau::new(start.decay)?.with_best_loss(start.best_loss);
        Ok(Self { save: None, every: None, best: None, schedule, start, words, bytes })
    }

    /// Saves to these files.
    pub fn with_files(self, save: Option<Output>, every: Option<NonZeroUsize>, best: Option<Output>) -> Self {
        Self { save, every, best, ..self }
    }

    /// Takes note of the validation loss of an epoch that is complete, and saves where it is time to.
    pub fn after_epoch(&mut self, progress: Progress<'_, AlignedVec>, valid: Option<f32>) -> Result<(), Failure> {
        let improved = match valid.map(|loss| self.schedule.observe(loss, progress.optimizer)) {
            // the rate is as low as it can get: it stays
            Some(Err(StepError::LearningRate)) | None => false,
            Some(observed) => observed?,
        };
        let state = self.complete(&progress.training_state());
        let is_due = self.every.is_some_and(|every| progress.epoch.is_multiple_of(every.get()));
        let best = self.best.as_ref().filter(|_| improved);
        let save = self.save.as_ref().filter(|_| is_due);
        for output in best.into_iter().chain(save) {
            write(output, progress.model, &state, &self.words, &mut self.bytes)?;
        }
        Ok(())
    }

    /// Saves at the end of the run, with the trainer's state.
    pub fn save(&mut self, model: &SimpleRnnlm<AlignedVec>, state: &TrainingState) -> Result<(), Failure> {
        let state = self.complete(state);
        match &self.save {
            Some(save) => write(save, model, &state, &self.words, &mut self.bytes),
            None => Ok(()),
        }
    }

    fn complete(&self, trainers: &TrainingState) -> TrainingState {
        let TrainingState { seed, rng, .. } = self.start;
        let (decay, best_loss) = (self.schedule.factor(), self.schedule.best_loss());
        TrainingState { decay, best_loss, seed, rng, ..*trainers }
    }
}

fn write(
    output: &Output,
    model: &SimpleRnnlm<AlignedVec>,
    state: &TrainingState,
    words: &str,
    bytes: &mut [u8],
) -> Result<(), Failure> {
    let len = Checkpoint::write(model, state, words, bytes)?;
    Ok(output.write(bytes.get(..len).unwrap_or_default())?)
}
