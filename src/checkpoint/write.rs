//! A complete file, written in pages.

use super::{
    Checkpoint, LENGTH_LEN, bytes, check_finite,
    crc::Crc32,
    header, layout,
    tensors::{COUNT, Entries, STATE, names},
    training::{self, Training},
    words,
};
use crate::{
    error::{CheckpointError, ConfigError},
    model::{Model, parameters::Storage, shared::Workspace, step::Cell},
    training::state::TrainingState,
};

impl<C: Cell> Checkpoint<'_, C> {
    /// Writes a complete file: model, hidden state, training state and vocabulary (`words`: each of the V words ended
    /// by a newline, or nothing at all). Returns its length, which is [`Self::encoded_len`]. Equal training gives
    /// equal bytes.
    ///
    /// That no word stands there twice takes O(V log V) comparisons of words, in the memory of `to`.
    ///
    /// # Errors
    /// [`CheckpointError::BufferLength`] where `to` is shorter; words that are not V different lines; whatever
    /// [`Self::read`] would refuse: a training state out of bounds, a weight or hidden state that is not finite. What
    /// `to` holds is then of no use.
    pub fn write<W: Storage, S: Workspace>(
        model: &Model<C, W, S>,
        training: &TrainingState,
        words: &str,
        to: &mut [u8],
    ) -> Result<usize, CheckpointError> {
        let (needed, given) = (Self::encoded_len_as(model.config(), words.len())?, to.len());
        let to = to.get_mut(..needed).ok_or(CheckpointError::BufferLength { needed, given })?;
        // the file is its only page
        Self::write_with(model, training, words, to, |_| Ok(()))
    }

    /// Gives `sink` the bytes that [`Self::write`] writes, in pages: all as long as `page` but the last one, which may
    /// be shorter. So a device saves without memory for the file. Returns the length of the file.
    ///
    /// `page` is memory for 8 bytes or more. That no word stands twice is found in it before the first page is filled:
    /// O(V^2 / P log P) comparisons of words with P an eighth of its length, where that is less than V.
    ///
    /// ```
    /// use rnnlm::{Checkpoint, CheckpointError, Config, SimpleRnnlm, TrainingState, Xorshift};
    /// let config = Config { vocab_size: 2, wordvec_size: 3, hidden_size: 4, batch_size: 1, time_size: 2 };
    /// let model = SimpleRnnlm::new(config, &mut Xorshift::new(1))?;
    /// let mut sent = Vec::new();
    /// let len = Checkpoint::write_with(&model, &TrainingState::default(), "", &mut [0; 64], |page| {
    ///     sent.extend_from_slice(page);
    ///     Ok::<(), CheckpointError>(())
    /// })?;
    /// assert_eq!(len, sent.len());
    /// assert_eq!(Checkpoint::read(&sent)?.config(), config);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// What [`Self::write`] refuses, with [`CheckpointError::BufferLength`] for a page that is too short: `sink` is not
    /// called then. The first error of `sink`, which is not called again.
    pub fn write_with<W: Storage, S: Workspace, E: From<CheckpointError>>(
        model: &Model<C, W, S>,
        training: &TrainingState,
        words: &str,
        page: &mut [u8],
        mut sink: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<usize, E> {
        Self::write_before(model, training, words, page, &mut sink, |_| Ok(()))
    }

    /// [`Self::write_with`], and then what `tail` writes into the same pages, with a checksum that begins at that of
    /// the file.
    pub(super) fn write_before<W: Storage, S: Workspace, E: From<CheckpointError>>(
        model: &Model<C, W, S>,
        training: &TrainingState,
        words: &str,
        page: &mut [u8],
        sink: &mut dyn FnMut(&[u8]) -> Result<(), E>,
        tail: impl FnOnce(&mut Writer<'_, E>) -> Result<(), E>,
    ) -> Result<usize, E> {
        let mut entries = [None; COUNT];
        let (training, header, len) = checked(model, training, words, page, &mut entries)?;
        let mut writer = Writer { page, filled: 0, crc: Crc32::new(), sink };
        writer.put(&((header - LENGTH_LEN) as u64).to_le_bytes())?;
        let names = names::<C>();
        header::write(names, &entries, &mut |text| writer.put(text))?;
        let padding = header.saturating_sub(LENGTH_LEN + header::len(names, &entries));
        (0..padding).try_for_each(|_| writer.put(b" "))?;
        model.weights_block().iter().try_for_each(|x| writer.put(&x.to_le_bytes()))?;
        model.state().iter().try_for_each(|x| writer.put(&x.to_le_bytes()))?;
        writer.put(words.as_bytes())?;
        writer.put(&training)?;
        let checksum = core::mem::replace(&mut writer.crc, Crc32::new()).value();
        writer.put(&checksum.to_le_bytes())?;
        tail(&mut writer)?;
        writer.finish()?;
        Ok(len)
    }
}

/// All that a file can be refused for, before its first byte: gives its training state, and the lengths of its header
/// and of the whole.
fn checked<C: Cell, W: Storage, S: Workspace>(
    model: &Model<C, W, S>,
    training: &TrainingState,
    words: &str,
    page: &mut [u8],
    entries: &mut Entries,
) -> Result<([u8; training::LEN], usize, usize), CheckpointError> {
    if model.is_mid_step() {
        return Err(CheckpointError::MidStep);
    }
    let sizes = model.sizes();
    let names = names::<C>();
    let (header, data) = layout::<C>(&sizes, words.len(), entries)?;
    let len = header.checked_add(data).ok_or(ConfigError::TooLarge)?;
    words::check(words, sizes.v)?;
    words::check_different(words, page)?;
    let (is_stateful, time_size) = (model.is_stateful(), sizes.t);
    let training = training::encode(&Training { state: *training, time_size, is_stateful })?;
    let mut rest = model.weights_block();
    for (tensor, len) in C::NAMES.into_iter().zip(sizes.parameters(C::SIZES.gates)) {
        let (weights, after) = rest.split_at_checked(len).ok_or(CheckpointError::OtherSizes)?;
        check_finite(tensor, weights)?;
        rest = after;
    }
    check_finite(names[STATE], model.state())?;
    Ok((training, header, len))
}

/// Fills pages and hands them over; takes the checksum of all that passes.
pub(super) struct Writer<'p, E> {
    page: &'p mut [u8],
    filled: usize,
    pub(super) crc: Crc32,
    sink: &'p mut dyn FnMut(&[u8]) -> Result<(), E>,
}

impl<E> Writer<'_, E> {
    pub(super) fn put(&mut self, mut bytes: &[u8]) -> Result<(), E> {
        self.crc.add(bytes);
        while !bytes.is_empty() {
            bytes = bytes::fill(self.page, &mut self.filled, bytes);
            if self.filled == self.page.len() {
                self.finish()?;
            }
        }
        Ok(())
    }

    /// Hands over what is there.
    fn finish(&mut self) -> Result<(), E> {
        let filled = core::mem::take(&mut self.filled);
        let page = self.page.get(..filled).unwrap_or(&[]);
        if page.is_empty() { Ok(()) } else { (self.sink)(page) }
    }
}
