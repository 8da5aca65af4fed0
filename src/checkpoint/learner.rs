//! An online learner in one record, so that a power cut can't part what belongs together:
//!
//! ```text
//! a complete file
//! u32          1 where the learner is frozen, else 0
//! u32 x T + 1  the ids of its pending events, then 0xffffffff in the places that are left
//! u32          CRC-32 of the file's last four bytes, which are its own, and of all between them and this
//! ```
//!
//! All little-endian, and of one length for a configuration, whatever is pending.

use super::{CRC, Checkpoint, LENGTH_LEN, header, split, tensors::names};
use crate::{
    checkpoint::crc::crc32,
    config::Config,
    error::{CheckpointError, ConfigError, Error},
    events::online::OnlineLearner,
    layers::{time_rnn::TanhCell, time_softmax_with_loss::IGNORE},
    model::{Model, parameters::Storage, shared::Workspace, step::Cell},
    training::state::TrainingState,
};

/// In the places without an event. No id is as large.
const NONE: u32 = IGNORE;
const CRC_LEN: usize = 4;

/// An [`OnlineLearner`] as bytes: its checkpoint, its pending events and whether it is frozen, in one record, for
/// [`TwoSlots`](crate::TwoSlots) for instance. What is resumed from it goes on with the bits of a learner that never
/// stopped.
///
/// ```
/// use rnnlm::{CheckpointError, Config, LearnerRecord, OnlineLearner, SimpleRnnlm, TrainingState, Xorshift};
/// let config =
///     Config { vocab_size: 4, wordvec_size: 3, hidden_size: 4, batch_size: 1, time_size: 3 };
/// let model = SimpleRnnlm::new(config, &mut Xorshift::new(1))?;
/// let mut learner = OnlineLearner::new(model, 0.5)?;
/// for id in [0, 1, 2, 3, 0] {
///     learner.observe(id)?;
/// }
/// let mut record = Vec::new();
/// let state = TrainingState { position: 5, ..TrainingState::default() };
/// LearnerRecord::write_with(&learner, &state, "", &mut [0; 64], |page| {
///     record.extend_from_slice(page);
///     Ok::<(), CheckpointError>(())
/// })?;
/// assert_eq!(record.len(), LearnerRecord::encoded_len(config, 0)?);
///
/// // after the reboot
/// let record = LearnerRecord::read(&record)?;
/// assert_eq!(record.checkpoint().training().map(|state| state.position), Some(5));
/// let memory = config.memory()?;
/// let model = SimpleRnnlm::new(config, &mut Xorshift::new(2))?;
/// let mut resumed = record.resume(model, vec![0.0; memory.prediction], vec![0; memory.ids])?;
/// assert_eq!(resumed.observe(2), learner.observe(2));
/// assert_eq!(resumed.model().weights_block(), learner.model().weights_block());
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
///
/// The record of a learner with an LSTM is read as one, and so says its type:
///
/// ```
/// use rnnlm::{CheckpointError, Config, LearnerRecord, LstmCell, OnlineLearner, Rnnlm, TrainingState, Xorshift};
/// let config =
///     Config { vocab_size: 4, wordvec_size: 3, hidden_size: 4, batch_size: 1, time_size: 3 };
/// let mut learner = OnlineLearner::new(Rnnlm::new(config, &mut Xorshift::new(1))?, 0.5)?;
/// learner.observe(3)?;
/// let mut bytes = Vec::new();
/// LearnerRecord::write_with(&learner, &TrainingState::default(), "", &mut [0; 64], |page| {
///     bytes.extend_from_slice(page);
///     Ok::<(), CheckpointError>(())
/// })?;
/// assert_eq!(bytes.len(), LearnerRecord::<LstmCell>::encoded_len_as(config, 0)?);
/// let record = LearnerRecord::<LstmCell>::read_as(&bytes)?; // or `read_verified_as`
/// let memory = config.memory_of::<LstmCell>()?;
/// let model = Rnnlm::new(config, &mut Xorshift::new(2))?;
/// let mut resumed = record.resume(model, vec![0.0; memory.prediction], vec![0; memory.ids])?;
/// assert_eq!(resumed.observe(1), learner.observe(1));
/// assert!(LearnerRecord::read(&bytes).is_err()); // of a tanh cell
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct LearnerRecord<'a, C: Cell = TanhCell> {
    checkpoint: Checkpoint<'a, C>,
    is_frozen: bool,
    learning_rate: f32,
    /// Little-endian ids.
    pending: &'a [[u8; 4]],
}

impl<'a> LearnerRecord<'a> {
    /// The length of the record of a learner of this configuration with so many bytes of vocabulary.
    ///
    /// # Errors
    /// As [`Checkpoint::encoded_len`].
    pub const fn encoded_len(config: Config, vocabulary: usize) -> Result<usize, ConfigError> {
        Self::encoded_len_as(config, vocabulary)
    }

    /// Reads a record, all of it checked as [`Checkpoint::read`] does, and what stands behind the checkpoint too.
    ///
    /// # Errors
    /// Those of [`Checkpoint::read`]; [`CheckpointError::Pending`] where the events behind it are damaged, none of the
    /// model's, or not there.
    pub fn read(record: &'a [u8]) -> Result<Self, CheckpointError> {
        Self::read_as(record)
    }

    /// [`Self::read`] without reading the weights, for a record that was verified just now, as
    /// [`TwoSlots::find`](crate::TwoSlots::find) does: see [`Checkpoint::read_verified`].
    ///
    /// # Errors
    /// Those of [`Self::read`] for what is checked.
    pub fn read_verified(record: &'a [u8]) -> Result<Self, CheckpointError> {
        Self::read_verified_as(record)
    }
}

impl<'a, C: Cell> LearnerRecord<'a, C> {
    /// [`LearnerRecord::encoded_len`] for the cell that the type says.
    ///
    /// # Errors
    /// As [`LearnerRecord::encoded_len`].
    pub const fn encoded_len_as(config: Config, vocabulary: usize) -> Result<usize, ConfigError> {
        let file = match Checkpoint::<C>::encoded_len_as(config, vocabulary) {
            Ok(len) => len,
            Err(error) => return Err(error),
        };
        match file.checked_add(tail_len(config.time_size)) {
            Some(len) => Ok(len),
            None => Err(ConfigError::TooLarge),
        }
    }

    /// Gives `sink` a learner's record in pages, as [`Checkpoint::write_with`] does a file, and returns its length,
    /// which is [`Self::encoded_len`]. The training state gets the learner's rate; its other numbers are the caller's,
    /// `position` for the events read so far.
    ///
    /// # Errors
    /// As [`Checkpoint::write_with`]; [`CheckpointError::MidStep`] between two slices of a step.
    pub fn write_with<W, S, P, I, E>(
        learner: &OnlineLearner<W, S, P, I, C>,
        training: &TrainingState,
        words: &str,
        page: &mut [u8],
        mut sink: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<usize, E>
    where
        W: Storage,
        S: Workspace,
        P: Storage,
        I: AsRef<[u32]> + AsMut<[u32]>,
        E: From<CheckpointError>,
    {
        let (model, learning_rate) = (learner.model(), learner.learning_rate());
        let time_size = model.config().time_size;
        let training = TrainingState { learning_rate, ..*training };
        let len = Checkpoint::write_before(model, &training, words, page, &mut sink, |writer| {
            writer.put(&u32::from(learner.is_frozen()).to_le_bytes())?;
            let places = learner.pending().chain(core::iter::repeat(NONE)).take(time_size.saturating_add(1));
            for id in places {
                writer.put(&id.to_le_bytes())?;
            }
            let checksum = writer.crc.value();
            writer.put(&checksum.to_le_bytes())
        })?;
        Ok(len.saturating_add(tail_len(time_size)))
    }

    /// `LearnerRecord::read` for the cell that the type says.
    ///
    /// # Errors
    /// As `LearnerRecord::read`; [`CheckpointError::UnknownTensor`] in the record of another cell.
    pub fn read_as(record: &'a [u8]) -> Result<Self, CheckpointError> {
        Self::open(record, Checkpoint::read_as)
    }

    /// `LearnerRecord::read_verified` for the cell that the type says.
    ///
    /// # Errors
    /// As `LearnerRecord::read_verified`; [`CheckpointError::UnknownTensor`] in the record of another cell.
    pub fn read_verified_as(record: &'a [u8]) -> Result<Self, CheckpointError> {
        Self::open(record, Checkpoint::read_verified_as)
    }

    fn open(
        record: &'a [u8],
        read: fn(&'a [u8]) -> Result<Checkpoint<'a, C>, CheckpointError>,
    ) -> Result<Self, CheckpointError> {
        let len = file_len::<C>(record)?;
        let (file, tail) = record.split_at_checked(len).ok_or(CheckpointError::Truncated)?;
        let checkpoint = read(file)?;
        let Config { vocab_size, batch_size, time_size, .. } = checkpoint.config();
        // from the file's checksum to the end
        let all = record.get(len.saturating_sub(CRC_LEN)..).unwrap_or(&[]);
        let (summed, checksum) = all.split_last_chunk::<CRC_LEN>().ok_or(CheckpointError::Pending)?;
        let training = checkpoint.training().ok_or(CheckpointError::Pending)?;
        let is_whole = batch_size == 1 && tail.len() == tail_len(time_size) && crc32(summed).to_le_bytes() == *checksum;
        let ([is_frozen, places @ .., _], _) = tail.as_chunks() else { return Err(CheckpointError::Pending) };
        let ids = || places.iter().map(|&id| u32::from_le_bytes(id));
        let count = ids().take_while(|&id| id != NONE).count();
        let good = ids().take(count).all(|id| (id as usize) < vocab_size) && ids().skip(count).all(|id| id == NONE);
        let is_frozen = u32::from_le_bytes(*is_frozen);
        if !is_whole || !good || is_frozen > 1 {
            return Err(CheckpointError::Pending);
        }
        let pending = places.get(..count).unwrap_or(&[]);
        Ok(Self { checkpoint, is_frozen: is_frozen == 1, learning_rate: training.learning_rate, pending })
    }

    /// The checkpoint: sizes, training state, words.
    #[must_use]
    pub fn checkpoint(&self) -> &Checkpoint<'a, C> {
        &self.checkpoint
    }

    /// The events that were pending: [`OnlineLearner::pending`].
    pub fn pending(&self) -> impl Iterator<Item = u32> + use<'a, C> {
        self.pending.iter().map(|&id| u32::from_le_bytes(id))
    }

    /// The learner, in the memory of this model of the same V, D and H, and in the memory that
    /// [`OnlineLearner::with_buffers`] takes. It goes on at the rate that it had, frozen if it was; if a step was due,
    /// it [is due](OnlineLearner::step_is_due). Costs a prediction for each pending event.
    ///
    /// # Errors
    /// Those of [`Checkpoint::load`] and [`OnlineLearner::with_buffers`];
    /// [`StepError::StepIsDue`](crate::StepError::StepIsDue) for more than T + 1 events in a model of a smaller T.
    pub fn resume<W, S, P, I>(
        &self,
        mut model: Model<C, W, S>,
        prediction: P,
        window: I,
    ) -> Result<OnlineLearner<W, S, P, I, C>, Error>
    where
        W: Storage,
        S: Workspace,
        P: Storage,
        I: AsRef<[u32]> + AsMut<[u32]>,
    {
        self.checkpoint.load(&mut model)?;
        let mut learner =
            OnlineLearner::resume_with(model, self.learning_rate, prediction, window, &mut self.pending())?;
        learner.set_frozen(self.is_frozen);
        Ok(learner)
    }
}

/// The bytes behind the checkpoint.
const fn tail_len(time_size: usize) -> usize {
    // frozen, T + 1 places, checksum
    time_size.saturating_add(3).saturating_mul(4)
}

/// Where the checkpoint at the start of these bytes ends, by its header.
fn file_len<C: Cell>(record: &[u8]) -> Result<usize, CheckpointError> {
    let (text, _) = split(record)?;
    let mut entries = [None; super::COUNT];
    header::read(names::<C>(), text, &mut entries)?;
    let end = entries[CRC].map(|entry| entry.offsets[1]).ok_or(CheckpointError::Pending)?;
    end.checked_add(LENGTH_LEN + text.len()).ok_or(CheckpointError::Truncated)
}
