//! Models as bytes: the safetensors format, read and written without a heap. The guide's page `checkpoint_format` has
//! it byte by byte.
//!
//! A complete file has one spelling, the one that is written here; the header of a bare one, with the six weights
//! alone, is any legal JSON, nested up to 31 deep where it isn't ours. Foreign `__metadata__` is ignored.

pub(crate) mod bytes;
pub(crate) mod crc;
mod header;
pub(crate) mod learner;
mod quantized;
mod read;
mod tensors;
mod training;
pub(crate) mod word_index;
mod words;
mod write;

#[cfg(feature = "alloc")]
use alloc::vec::Vec;
use core::{fmt, marker::PhantomData};

use crate::{
    config::{Config, Sizes},
    error::{CheckpointError, ConfigError},
    layers::{cell::Layer, time_lstm::LstmCell, time_rnn::TanhCell},
    matrix::Matrix,
    model::{
        Model,
        parameters::{LstmParameters, Parameters, Storage},
        shared::Workspace,
        step::Cell,
    },
    training::state::TrainingState,
};
#[cfg(feature = "alloc")]
use crate::{
    error::{CorpusError, Error},
    heap::{AlignedVec, filled},
    text::vocabulary::Vocabulary,
};
use tensors::{COUNT, CRC, CRC_LEN, Entries, STATE, TRAINING, WEIGHTS, names};
use training::Training;

/// The bytes of the header's length.
const LENGTH_LEN: usize = 8;
/// The longest header that the format allows, and that the official reader takes.
const LONGEST_HEADER: u64 = 100_000_000;

/// A model in the bytes of a file, all of it checked: header, sizes, checksum, and that every number is finite.
///
/// Borrows the bytes, from memory or from flash; nothing is copied until [`Self::load`]. The format is safetensors,
/// which Python's package of that name reads as it is; a file with the six weights alone, written by NumPy or PyTorch,
/// is read too.
///
/// ```
/// use rnnlm::{Checkpoint, Config, SimpleRnnlm, TrainingState, Xorshift};
/// let config =
///     Config { vocab_size: 2, wordvec_size: 3, hidden_size: 4, batch_size: 1, time_size: 2 };
/// let mut model = SimpleRnnlm::new(config, &mut Xorshift::new(1))?;
/// let words = "yes\nno\n";
/// let mut file = vec![0; Checkpoint::encoded_len(config, words.len())?];
/// Checkpoint::write(&model, &TrainingState::default(), words, &mut file)?;
///
/// let checkpoint = Checkpoint::read(&file)?;
/// assert_eq!(checkpoint.config(), config);
/// assert_eq!(checkpoint.training(), Some(TrainingState::default()));
/// assert_eq!(checkpoint.words().nth(1), Some("no"));
/// model.initialize(&mut Xorshift::new(2));
/// checkpoint.load(&mut model)?;
///
/// file[700] ^= 1;
/// assert!(Checkpoint::read(&file).is_err());
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
///
/// A file of an LSTM is read as one, and so says its type:
///
/// ```
/// use rnnlm::{Checkpoint, Config, LstmCell, Rnnlm, TrainingState, Vocabulary, Xorshift};
/// let config =
///     Config { vocab_size: 2, wordvec_size: 3, hidden_size: 4, batch_size: 1, time_size: 2 };
/// let model = Rnnlm::new(config, &mut Xorshift::new(1))?;
/// let file = Checkpoint::to_vec(&model, &TrainingState::default(), &Vocabulary::default())?;
/// assert_eq!(file.len(), Checkpoint::<LstmCell>::encoded_len_as(config, 0)?);
/// let (again, ..): (Rnnlm, _, _) = Checkpoint::read_as(&file)?.restore()?;
/// assert_eq!(again.weights(), model.weights());
/// assert_eq!(Checkpoint::<LstmCell>::read_verified_as(&file)?.config(), config);
/// assert!(Checkpoint::read(&file).is_err()); // of a tanh cell
/// # Ok::<(), rnnlm::Error>(())
/// ```
#[doc(alias = "safetensors")]
#[doc(alias = "state_dict")]
#[doc(alias = "save_params")]
#[derive(Clone, Copy)]
pub struct Checkpoint<'a, C: Cell = TanhCell> {
    config: Config,
    /// In the order of [`names`]; those that a bare file lacks are empty.
    parts: [&'a [u8]; COUNT],
    words: &'a str,
    cell: PhantomData<C>,
}

impl<'a> Checkpoint<'a> {
    /// The length of a complete file for a model of this configuration with so many bytes of vocabulary.
    ///
    /// ```
    /// use rnnlm::{Checkpoint, Config};
    /// const CONFIG: Config =
    ///     Config { vocab_size: 2, wordvec_size: 3, hidden_size: 4, batch_size: 1, time_size: 2 };
    /// const LEN: usize = match Checkpoint::encoded_len(CONFIG, 0) {
    ///     Ok(len) => len,
    ///     Err(_) => panic!("bad sizes"), // at compile time
    /// };
    /// let buffer = [0; LEN];
    /// # let _ = buffer;
    /// ```
    ///
    /// # Errors
    /// Bad sizes, or a file longer than can be addressed.
    pub const fn encoded_len(config: Config, vocabulary: usize) -> Result<usize, ConfigError> {
        Self::encoded_len_as(config, vocabulary)
    }

    /// Reads a file, complete or bare: one pass over its bytes for the checksum, one over its numbers. Takes no memory,
    /// so a word that stands there twice shows only in `Vocabulary::from_words`; [`Self::write`] writes no such file.
    ///
    /// # Errors
    /// Whatever is wrong with it; see [`CheckpointError`].
    pub fn read(file: &'a [u8]) -> Result<Self, CheckpointError> {
        Self::read_as(file)
    }

    /// [`Self::read`] for bytes that something else vouches for, a bootloader's signature or
    /// [`TwoSlots::find`](crate::TwoSlots::find): reads header, hidden state, words and training state, and neither the
    /// weights nor the whole for its checksum.
    ///
    /// Checked all the same: header, sizes, layout, the training state, that the words are V lines of UTF-8. Not
    /// checked: the checksum, and whether weights are finite. Where they are damaged nothing is unsound and nothing
    /// panics: predictions are wrong, or [`StepError::NonFinitePrediction`](crate::StepError::NonFinitePrediction).
    ///
    /// ```
    /// # use rnnlm::{Checkpoint, Config, SimpleRnnlm, TrainingState, Xorshift};
    /// # let config = Config { vocab_size: 2, wordvec_size: 3, hidden_size: 4, batch_size: 1, time_size: 2 };
    /// # let model = SimpleRnnlm::new(config, &mut Xorshift::new(1))?;
    /// let mut file = vec![0; Checkpoint::encoded_len(config, 0)?];
    /// Checkpoint::write(&model, &TrainingState::default(), "", &mut file)?;
    /// file[700] ^= 1;
    /// assert!(Checkpoint::read(&file).is_err());
    /// assert!(Checkpoint::read_verified(&file).is_ok());
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`Self::read`] for what is checked.
    pub fn read_verified(file: &'a [u8]) -> Result<Self, CheckpointError> {
        Self::read_verified_as(file)
    }

    /// The weights in place, to predict from without copying: `None` where the file's bytes do not begin at an address
    /// that is a multiple of 4 (of 8, if in doubt), or on a big-endian machine.
    ///
    /// ```
    /// use rnnlm::{Checkpoint, Config, Predictor, SimpleRnnlm, TrainingState, Xorshift};
    /// let config =
    ///     Config { vocab_size: 2, wordvec_size: 3, hidden_size: 4, batch_size: 1, time_size: 2 };
    /// let model = SimpleRnnlm::new(config, &mut Xorshift::new(1))?;
    /// #[repr(align(8))]
    /// struct Flash([u8; 1400]);
    /// let mut flash = Flash([0; 1400]);
    /// let len = Checkpoint::write(&model, &TrainingState::default(), "", &mut flash.0)?;
    ///
    /// let checkpoint = Checkpoint::read(&flash.0[..len])?;
    /// if let Some(weights) = checkpoint.weights() {
    ///     let mut predictor = Predictor::new(weights)?;
    ///     assert_eq!(predictor.feed(1)?, model.predictor()?.feed(1)?);
    /// }
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn weights(&self) -> Option<Parameters<&'a [f32]>> {
        let Config { vocab_size: v, wordvec_size: d, hidden_size: h, .. } = self.config;
        let [embed_w, rnn_wx, rnn_wh, rnn_b, affine_w, affine_b, ..] = self.parts;
        let matrix = |rows, cols, part| Matrix::new(rows, cols, bytes::view(part)?).ok();
        Some(Parameters {
            embed_w: matrix(v, d, embed_w)?,
            rnn_wx: matrix(d, h, rnn_wx)?,
            rnn_wh: matrix(h, h, rnn_wh)?,
            rnn_b: matrix(1, h, rnn_b)?,
            affine_w: matrix(h, v, affine_w)?,
            affine_b: matrix(1, v, affine_b)?,
        })
    }
}

impl<'a> Checkpoint<'a, LstmCell> {
    /// The weights in place, to predict from without copying: `None` where the file's bytes do not begin at an address
    /// that is a multiple of 4 (of 8, if in doubt), or on a big-endian machine.
    #[must_use]
    pub fn weights(&self) -> Option<LstmParameters<&'a [f32]>> {
        let Config { vocab_size: v, wordvec_size: d, hidden_size: h, .. } = self.config;
        let [embed_w, lstm_wx, lstm_wh, lstm_b, affine_w, affine_b, ..] = self.parts;
        let matrix = |rows, cols, part| Matrix::new(rows, cols, bytes::view(part)?).ok();
        let columns = LstmCell::SIZES.gates * h;
        Some(LstmParameters {
            embed_w: matrix(v, d, embed_w)?,
            lstm_wx: matrix(d, columns, lstm_wx)?,
            lstm_wh: matrix(h, columns, lstm_wh)?,
            lstm_b: matrix(1, columns, lstm_b)?,
            affine_w: matrix(h, v, affine_w)?,
            affine_b: matrix(1, v, affine_b)?,
        })
    }
}

impl<'a, C: Cell> Checkpoint<'a, C> {
    /// [`Checkpoint::encoded_len`] for the cell that the type says.
    ///
    /// # Errors
    /// As [`Checkpoint::encoded_len`].
    pub const fn encoded_len_as(config: Config, vocabulary: usize) -> Result<usize, ConfigError> {
        let sizes = match config.sizes(C::SIZES) {
            Ok(sizes) => sizes,
            Err(error) => return Err(error),
        };
        match layout::<C>(&sizes, vocabulary, &mut [None; COUNT]) {
            Ok((header, data)) => match header.checked_add(data) {
                Some(len) => Ok(len),
                None => Err(ConfigError::TooLarge),
            },
            Err(error) => Err(error),
        }
    }

    /// The sizes. A bare file knows nothing of N and T: they are 1 then.
    #[must_use]
    pub fn config(&self) -> Config {
        self.config
    }

    /// Where training stood; `None` in a bare file.
    #[must_use]
    pub fn training(&self) -> Option<TrainingState> {
        self.all_of_training().map(|training| training.state)
    }

    fn all_of_training(&self) -> Option<Training> {
        // `read` has checked that it decodes; in a bare file there is nothing
        training::decode(self.parts[TRAINING]).ok()
    }

    /// The words of the vocabulary in the order of their ids; none where the file has no words. They are read from the
    /// first on: [`Self::index_words`] finds one at once.
    pub fn words(&self) -> impl Iterator<Item = &'a str> + use<'a, C> {
        self.words.split_terminator('\n')
    }

    /// The words as [`Self::write`] takes them, each ended by a newline: to save them again, a learner's for instance.
    ///
    /// ```
    /// # use rnnlm::{Checkpoint, Config, SimpleRnnlm, TrainingState, Xorshift};
    /// # let config = Config { vocab_size: 2, wordvec_size: 3, hidden_size: 4, batch_size: 1, time_size: 2 };
    /// # let model = SimpleRnnlm::new(config, &mut Xorshift::new(1))?;
    /// let mut file = vec![0; Checkpoint::encoded_len(config, 7)?];
    /// Checkpoint::write(&model, &TrainingState::default(), "yes\nno\n", &mut file)?;
    /// assert_eq!(Checkpoint::read(&file)?.lines(), "yes\nno\n");
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn lines(&self) -> &'a str {
        self.words
    }

    /// Copies the weights into a model of the same V, D and H. The hidden state is copied too where the file has one
    /// for the model's N, and is zero otherwise.
    ///
    /// # Errors
    /// [`CheckpointError::OtherSizes`]; the model is then as it was.
    pub fn load<W: Storage, S: Workspace>(&self, model: &mut Model<C, W, S>) -> Result<(), CheckpointError> {
        let (ours, theirs) = (self.config, model.config());
        let Config { batch_size, time_size, .. } = theirs;
        if (Config { batch_size, time_size, ..ours }) != theirs {
            return Err(CheckpointError::OtherSizes);
        }
        model.reset_state();
        self.parts.iter().take(WEIGHTS).fold(model.weights_block_mut(), |rest, part| bytes::take_floats(rest, part));
        if let Some(training) = self.all_of_training() {
            model.set_stateful(training.is_stateful);
            if ours.batch_size == batch_size {
                bytes::take_floats(model.state_mut(), self.parts[STATE]);
            }
        }
        Ok(())
    }
}

#[cfg(feature = "alloc")]
impl<C: Cell> Checkpoint<'_, C> {
    /// The bytes of a complete file: [`Self::write`] into memory of the heap. An empty vocabulary stands for ids
    /// without words.
    ///
    /// A run that is saved, loaded and resumed goes on with the same bits as one that never stopped:
    ///
    /// ```
    /// use core::ops::ControlFlow;
    /// use rnnlm::{Checkpoint, Config, Corpus, RnnlmTrainer, Sgd, SimpleRnnlm, Xorshift};
    /// use std::{error::Error, fs};
    ///
    /// fn main() -> Result<(), Box<dyn Error>> {
    ///     let corpus = Corpus::from_text(&"you say goodbye and i say hello .\n".repeat(20))?;
    ///     let vocab_size = corpus.vocabulary().len();
    ///     let config =
    ///         Config { vocab_size, wordvec_size: 8, hidden_size: 8, batch_size: 2, time_size: 4 };
    ///     let model = SimpleRnnlm::new(config, &mut Xorshift::new(1))?;
    ///     let mut trainer = RnnlmTrainer::new(model, Sgd::new(0.5)?)?;
    ///     trainer.fit(corpus.ids(), 5, |_| ControlFlow::<()>::Continue(()))?;
    ///     let state = trainer.training_state();
    ///     let file = Checkpoint::to_vec(trainer.model(), &state, corpus.vocabulary())?;
    ///     let path = std::env::temp_dir().join("rnnlm-example.safetensors");
    ///     fs::write(&path, file)?;
    ///
    ///     // another day
    ///     let file = fs::read(&path)?;
    ///     let (model, state, vocabulary) = Checkpoint::read(&file)?.restore()?;
    ///     let mut resumed = RnnlmTrainer::new(model, Sgd::new(state.learning_rate)?)?;
    ///     // a run that clips: .with_clipping(state.max_norm, Gradients::new(model.config())?)?
    ///     resumed.resume(&state)?;
    ///     resumed.fit(corpus.ids(), 10, |_| ControlFlow::<()>::Continue(()))?;
    ///
    ///     trainer.fit(corpus.ids(), 10, |_| ControlFlow::<()>::Continue(()))?;
    ///     assert_eq!(resumed.model().weights_block(), trainer.model().weights_block());
    ///     assert_eq!(&vocabulary, corpus.vocabulary());
    ///     # fs::remove_file(path)?;
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// What [`Self::write`] refuses, a word that holds a newline, memory that the allocator refuses.
    pub fn to_vec<W: Storage, S: Workspace>(
        model: &Model<C, W, S>,
        training: &TrainingState,
        vocabulary: &Vocabulary,
    ) -> Result<Vec<u8>, Error> {
        let words = vocabulary.to_lines()?;
        let mut file = filled(Self::encoded_len_as(model.config(), words.len())?, 0)?;
        Self::write(model, training, &words, &mut file)?;
        Ok(file)
    }

    /// The vocabulary; empty where the file has no words.
    ///
    /// # Errors
    /// [`CorpusError::DuplicateWord`], [`CorpusError::OutOfMemory`].
    pub fn vocabulary(&self) -> Result<Vocabulary, CorpusError> {
        Vocabulary::from_words(self.words())
    }

    /// All that goes on from here: the model on the heap with its hidden state, where training stood (the default in a
    /// bare file: see [`Self::training`]) and the vocabulary. A bare file's model has N = T = 1; for others make
    /// one and [`Self::load`] into it. [`Self::to_vec`] has an example.
    ///
    /// # Errors
    /// Sizes or memory that are refused, a word that stands in the vocabulary twice.
    pub fn restore(&self) -> Result<(Model<C>, TrainingState, Vocabulary), Error> {
        let memory = self.config.memory_of::<C>()?;
        let (weights, workspace) = (AlignedVec::zeroed(memory.weights)?, AlignedVec::zeroed(memory.workspace)?);
        let mut model = Model::with_buffers(self.config, weights, workspace)?;
        self.load(&mut model)?;
        Ok((model, self.training().unwrap_or_default(), self.vocabulary()?))
    }
}

impl<C: Cell> fmt::Debug for Checkpoint<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let training = self.training();
        f.debug_struct("Checkpoint").field("config", &self.config).field("training", &training).finish_non_exhaustive()
    }
}

fn check_finite(tensor: &'static str, floats: &[f32]) -> Result<(), CheckpointError> {
    if floats.iter().all(|x| x.is_finite()) { Ok(()) } else { Err(CheckpointError::NotFinite { tensor }) }
}

/// Lays out the tensors of a complete file. Gives the bytes of its header with its length and padding, and those of its
/// data.
const fn layout<C: Cell>(
    sizes: &Sizes,
    vocabulary: usize,
    entries: &mut Entries,
) -> Result<(usize, usize), ConfigError> {
    match tensors::complete::<C>(sizes, vocabulary, entries) {
        Some(data) => Ok(((LENGTH_LEN + header::len(names::<C>(), entries)).next_multiple_of(8), data)),
        None => Err(ConfigError::TooLarge),
    }
}

/// Header and data, where the file begins as the format demands.
fn split(file: &[u8]) -> Result<(&[u8], &[u8]), CheckpointError> {
    let Some((length, rest)) = file.split_first_chunk::<LENGTH_LEN>() else {
        return Err(if file.is_empty() { CheckpointError::Truncated } else { CheckpointError::NotSafetensors });
    };
    let length = u64::from_le_bytes(*length);
    match rest.first() {
        Some(b'{') | None if length <= LONGEST_HEADER => {
            let length = usize::try_from(length).ok();
            length.and_then(|length| rest.split_at_checked(length)).ok_or(CheckpointError::Truncated)
        }
        _ => Err(CheckpointError::NotSafetensors),
    }
}
