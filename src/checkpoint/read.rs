//! A file is read: what is checked, in which order.

use core::marker::PhantomData;

use super::{
    Checkpoint, bytes,
    crc::crc32,
    header, split,
    tensors::{self, COUNT, CRC, CRC_LEN, Entries, FLOATS, STATE, TRAINING, VOCABULARY, WEIGHTS, names},
    training, words,
};
use crate::{
    config::{Config, Sizes},
    error::{CheckpointError, ConfigError},
    model::step::Cell,
};

impl<'a, C: Cell> Checkpoint<'a, C> {
    /// `Checkpoint::read` for the cell that the type says.
    ///
    /// # Errors
    /// As `Checkpoint::read`; [`CheckpointError::UnknownTensor`] in the file of another cell.
    pub fn read_as(file: &'a [u8]) -> Result<Self, CheckpointError> {
        Self::open(file, true)
    }

    /// `Checkpoint::read_verified` for the cell that the type says.
    ///
    /// # Errors
    /// As `Checkpoint::read_verified`; [`CheckpointError::UnknownTensor`] in the file of another cell.
    pub fn read_verified_as(file: &'a [u8]) -> Result<Self, CheckpointError> {
        Self::open(file, false)
    }

    /// If it `checks_all`, the checksum too, and every weight.
    fn open(file: &'a [u8], checks_all: bool) -> Result<Self, CheckpointError> {
        let names = names::<C>();
        let (text, data) = split(file)?;
        let mut entries = [None; COUNT];
        let mut parts = [&[][..]; COUNT];
        let is_plain = header::read(names, text, &mut entries)?;
        for (part, entry) in parts.iter_mut().zip(&entries) {
            let [begin, end] = entry.map_or([0, 0], |entry| entry.offsets);
            *part = data.get(begin..end).ok_or(CheckpointError::Truncated)?;
        }
        let is_bare = entries.iter().skip(WEIGHTS).all(Option::is_none);
        let config = if is_bare {
            check_bare::<C>(&entries, data.len())?
        } else {
            let config = check_complete::<C>(&entries, &parts, file, checks_all)?;
            // one spelling only, and the checksum is the end
            if !is_plain || entries[CRC].is_none_or(|entry| entry.offsets[1] != data.len()) {
                return Err(CheckpointError::Layout);
            }
            config
        };
        let unread = if checks_all { 0 } else { WEIGHTS };
        for (part, tensor) in parts.iter().zip(names).take(FLOATS).skip(unread) {
            if !bytes::floats(part).all(f32::is_finite) {
                return Err(CheckpointError::NotFinite { tensor });
            }
        }
        let words = core::str::from_utf8(parts[VOCABULARY]).map_err(|_| CheckpointError::Words)?;
        words::check(words, config.vocab_size)?;
        Ok(Self { config, parts, words, cell: PhantomData })
    }
}

/// The sizes that the weights' shapes tell.
fn sizes_of<C: Cell>(entries: &Entries, batch_size: usize, time_size: usize) -> Result<Sizes, CheckpointError> {
    let names = names::<C>();
    let shape = |i: usize| entries[i].map(|entry| entry.shape).ok_or(CheckpointError::Missing { tensor: names[i] });
    let [vocab_size, wordvec_size] = shape(0)?;
    let [hidden_size, _] = shape(2)?;
    Ok(Config { vocab_size, wordvec_size, hidden_size, batch_size, time_size }.sizes(C::SIZES)?)
}

#[inline(always)]
fn check_bare<C: Cell>(entries: &Entries, len: usize) -> Result<Config, CheckpointError> {
    let sizes = sizes_of::<C>(entries, 1, 1)?;
    let mut expected = [None; COUNT];
    tensors::complete::<C>(&sizes, 0, &mut expected).ok_or(ConfigError::TooLarge)?;
    tensors::check_bare(names::<C>(), entries, &expected, len)?;
    Ok(sizes.config())
}

/// Checksum first: what follows it explains files that were made wrong, not damaged ones.
#[inline(always)]
fn check_complete<C: Cell>(
    entries: &Entries,
    parts: &[&[u8]; COUNT],
    file: &[u8],
    checks_sum: bool,
) -> Result<Config, CheckpointError> {
    let Some((all, checksum)) = file.split_last_chunk::<CRC_LEN>() else { return Err(CheckpointError::Truncated) };
    if checks_sum && entries[CRC].is_some() && crc32(all).to_le_bytes() != *checksum {
        return Err(CheckpointError::Checksum);
    }
    let names = names::<C>();
    for (entry, tensor) in entries.iter().zip(names) {
        if entry.is_none() {
            return Err(CheckpointError::Missing { tensor });
        }
    }
    let training = training::decode(parts[TRAINING])?;
    let batch_size = entries[STATE].map_or(0, |entry| entry.shape[0] / C::SIZES.states);
    let sizes = sizes_of::<C>(entries, batch_size, training.time_size)?;
    let mut expected = [None; COUNT];
    tensors::complete::<C>(&sizes, parts[VOCABULARY].len(), &mut expected).ok_or(ConfigError::TooLarge)?;
    for ((entry, expected), tensor) in entries.iter().flatten().zip(expected.iter().flatten()).zip(names) {
        if (entry.is_f32, entry.rank, entry.shape) != (expected.is_f32, expected.rank, expected.shape) {
            return Err(CheckpointError::Shape { tensor });
        }
        if entry.offsets != expected.offsets {
            return Err(CheckpointError::Layout);
        }
    }
    Ok(sizes.config())
}
