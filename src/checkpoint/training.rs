//! The training state as 80 bytes, little-endian:
//!
//! ```text
//!  0 u32 format version, 1    4 f32 learning rate     8 f32 max norm     12 f32 decay
//! 16 f32 best loss           20 f32 sum of losses    24 f32 lost of it  28 u32 1: stateful
//! 32 u64 T                   40 u64 epoch            48 u64 iteration   56 u64 position
//! 64 u64 seed                72 u64 state of the generator
//! ```

use crate::{error::CheckpointError, kernels::Sum, training::state::TrainingState};

pub(super) const LEN: usize = 80;
const VERSION: u32 = 1;

/// What the bytes hold.
#[derive(Clone, Copy)]
pub(super) struct Training {
    pub state: TrainingState,
    pub time_size: usize,
    pub is_stateful: bool,
}

pub(super) fn encode(training: &Training) -> Result<[u8; LEN], CheckpointError> {
    let Training { state, time_size, is_stateful } = *training;
    check(&state)?;
    let floats = [state.learning_rate, state.max_norm, state.decay, state.best_loss, state.losses[0], state.losses[1]];
    let floats = floats.map(f32::to_bits);
    let words = [VERSION].into_iter().chain(floats).chain([u32::from(is_stateful)]);
    let numbers = [time_size as u64, state.epoch, state.iteration, state.position, state.seed, state.rng];
    let bytes = words.flat_map(u32::to_le_bytes).chain(numbers.into_iter().flat_map(u64::to_le_bytes));
    let mut to = [0; LEN];
    to.iter_mut().zip(bytes).for_each(|(to, byte)| *to = byte);
    Ok(to)
}

pub(super) fn decode(bytes: &[u8]) -> Result<Training, CheckpointError> {
    let bytes: &[u8; LEN] = bytes.try_into().map_err(|_| CheckpointError::Training)?;
    let (words, numbers) = bytes.split_at(32);
    let mut words = words.as_chunks().0.iter().map(|&four| u32::from_le_bytes(four));
    let mut word = || words.next().unwrap_or(0);
    let version = word();
    if version != VERSION {
        return Err(CheckpointError::Version { found: version });
    }
    let mut float = || f32::from_bits(word());
    let [learning_rate, max_norm, decay, best_loss] = [float(), float(), float(), float()];
    let losses = [float(), float()];
    let stateful = word();
    let mut numbers = numbers.as_chunks().0.iter().map(|&eight| u64::from_le_bytes(eight));
    let mut number = || numbers.next().unwrap_or(0);
    let time_size = usize::try_from(number()).map_err(|_| CheckpointError::Training)?;
    let [epoch, iteration, position, seed, rng] = [number(), number(), number(), number(), number()];
    let state =
        TrainingState { learning_rate, max_norm, decay, best_loss, losses, epoch, iteration, position, seed, rng };
    check(&state)?;
    if stateful > 1 {
        return Err(CheckpointError::Training);
    }
    Ok(Training { state, time_size, is_stateful: stateful == 1 })
}

/// The bounds that the fields' descriptions give.
fn check(state: &TrainingState) -> Result<(), CheckpointError> {
    let TrainingState { learning_rate, max_norm, decay, best_loss, losses, rng, .. } = *state;
    let good = learning_rate.is_finite()
        && learning_rate > 0.0
        && max_norm > 0.0
        && decay.is_finite()
        && decay >= 1.0
        && !best_loss.is_nan()
        && Sum::of_losses(losses).is_some()
        && rng != 0;
    if good { Ok(()) } else { Err(CheckpointError::Training) }
}

#[cfg(test)]
mod tests;
