//! The int8 weights of a model, where they stand.

use core::{fmt, marker::PhantomData};

use super::{cell::QuantizedCell, rounding, rows::Rows};
use crate::{
    config::{Config, Sizes},
    error::{CheckpointError, ConfigError},
    layers::time_rnn::TanhCell,
};

/// A model's weights as int8, a quarter of the bytes, for prediction alone: what [`Quantized::write`] makes of a
/// trained model and [`Quantized::read`] finds in a file.
///
/// Borrows the bytes, from memory or from flash; nothing is copied, and they need no alignment. Symmetric, with a scale
/// for each word vector and for each output of a matrix, from the largest magnitude among its weights. It takes
/// V D + (D + H) H + H V bytes, and 12 (V + H) for scales and biases; for an LSTM with 4 H in place of the second and
/// the last H.
///
/// ```
/// use rnnlm::{Config, Quantized, QuantizedPredictor, SimpleRnnlm, Xorshift};
/// let config =
///     Config { vocab_size: 5, wordvec_size: 3, hidden_size: 4, batch_size: 1, time_size: 2 };
/// let model = SimpleRnnlm::new(config, &mut Xorshift::new(1))?;
/// let mut file = vec![0; Quantized::encoded_len(config, 0)?];
/// Quantized::write(&model.weights(), "", &mut file)?;
///
/// let quantized = Quantized::read(&file)?;
/// let mut predictor = QuantizedPredictor::new(quantized)?;
/// let (p, exact) = (predictor.feed(3)?[1], model.predictor()?.feed(3)?[1]);
/// assert!((p - exact).abs() < 0.002);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
///
/// Of an LSTM they are written by the same function, and the type says what is read:
///
/// ```
/// use rnnlm::{Config, LstmCell, Quantized, QuantizedPredictor, Rnnlm, Xorshift};
/// let config =
///     Config { vocab_size: 5, wordvec_size: 3, hidden_size: 4, batch_size: 1, time_size: 2 };
/// let model = Rnnlm::new(config, &mut Xorshift::new(1))?;
/// let mut file = vec![0; Quantized::<LstmCell>::encoded_len_as(config, 0)?];
/// Quantized::write(&model.weights(), "", &mut file)?;
///
/// let quantized = Quantized::<LstmCell>::read_as(&file)?;
/// let mut predictor = QuantizedPredictor::new(quantized)?;
/// let (p, exact) = (predictor.feed(3)?[1], model.predictor()?.feed(3)?[1]);
/// assert!((p - exact).abs() < 0.002);
/// assert!(Quantized::read(&file).is_err()); // of a tanh cell
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Copy)]
pub struct Quantized<'a, C: QuantizedCell = TanhCell> {
    pub(crate) config: Config,
    pub(crate) words: &'a str,
    /// (V,D), without biases.
    pub(crate) embed_w: Rows<'a>,
    /// (H,D), without biases; with the cell's gates (G*H,D).
    pub(crate) rnn_wx: Rows<'a>,
    /// (H,H), or (G*H,H).
    pub(crate) rnn_wh: Rows<'a>,
    /// (V,H)
    pub(crate) affine_w: Rows<'a>,
    pub(crate) cell: PhantomData<C>,
}

impl<'a> Quantized<'a> {
    /// The floats of memory that a [`QuantizedPredictor`](crate::QuantizedPredictor) needs: the hidden state, two
    /// elements in each, and V. (Where (D + H) / 2 exceeds V, that in its place.)
    ///
    /// ```
    /// use rnnlm::{Config, Quantized};
    /// const CONFIG: Config =
    ///     Config { vocab_size: 64, wordvec_size: 16, hidden_size: 32, batch_size: 1, time_size: 8 };
    /// assert_eq!(Quantized::buffer_len(CONFIG)?, 16 + 64);
    /// # Ok::<(), rnnlm::ConfigError>(())
    /// ```
    ///
    /// # Errors
    /// Bad sizes, or D or H above 65,536.
    pub const fn buffer_len(config: Config) -> Result<usize, ConfigError> {
        Self::buffer_len_as(config)
    }

    /// The bytes that [`Self::from_block`] takes: V D + (D + H) H + H V, and 12 (V + H).
    ///
    /// ```
    /// use rnnlm::{Config, Quantized};
    /// const CONFIG: Config =
    ///     Config { vocab_size: 4000, wordvec_size: 64, hidden_size: 64, batch_size: 1, time_size: 1 };
    /// assert_eq!(Quantized::block_len(CONFIG)?, 568_960);
    /// # Ok::<(), rnnlm::ConfigError>(())
    /// ```
    ///
    /// # Errors
    /// Bad sizes, or D or H above 65,536.
    pub const fn block_len(config: Config) -> Result<usize, ConfigError> {
        Self::block_len_as(config)
    }

    /// The weights of a block of bytes, without a file around them: firmware that has them in its flash needs neither a
    /// reader of files nor the checksum. [`Self::block`] cuts it out of a file, on the desktop. It has no words.
    ///
    /// ```
    /// use rnnlm::{Config, Quantized, QuantizedPredictor, SimpleRnnlm, Xorshift};
    /// let config =
    ///     Config { vocab_size: 5, wordvec_size: 3, hidden_size: 4, batch_size: 1, time_size: 2 };
    /// let model = SimpleRnnlm::new(config, &mut Xorshift::new(1))?;
    /// let mut file = vec![0; Quantized::encoded_len(config, 0)?];
    /// Quantized::write(&model.weights(), "", &mut file)?;
    ///
    /// let block = Quantized::block(&file)?;
    /// let mut predictor = QuantizedPredictor::new(Quantized::from_block(config, block)?)?;
    /// let mut of_file = QuantizedPredictor::new(Quantized::read(&file)?)?;
    /// assert_eq!(predictor.feed(3)?, of_file.feed(3)?);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Bad sizes; [`ConfigError::BufferLength`] for a block of another length than [`Self::block_len`]; a scale that is
    /// no number or below zero; [`ConfigError::TooLarge`] for rows whose sums leave an i32.
    pub fn from_block(config: Config, block: &'a [u8]) -> Result<Self, CheckpointError> {
        Self::from_block_as(config, block)
    }
}

impl<'a, C: QuantizedCell> Quantized<'a, C> {
    /// The sizes; N and T, which prediction doesn't need, are 1.
    #[must_use]
    pub fn config(&self) -> Config {
        self.config
    }

    /// The words of the vocabulary in the order of their ids; none where there are no words.
    pub fn words(&self) -> impl Iterator<Item = &'a str> + use<'a, C> {
        self.words.split_terminator('\n')
    }

    /// [`Quantized::buffer_len`] for the cell that the type says: an LSTM has H floats more.
    ///
    /// ```
    /// use rnnlm::{Config, LstmCell, Quantized};
    /// const CONFIG: Config =
    ///     Config { vocab_size: 64, wordvec_size: 16, hidden_size: 32, batch_size: 1, time_size: 8 };
    /// assert_eq!(Quantized::<LstmCell>::buffer_len_as(CONFIG)?, 16 + 32 + 64);
    /// # Ok::<(), rnnlm::ConfigError>(())
    /// ```
    ///
    /// # Errors
    /// As [`Quantized::buffer_len`].
    pub const fn buffer_len_as(config: Config) -> Result<usize, ConfigError> {
        match checked_sizes::<C>(config) {
            Ok(sizes) => {
                let [state, _, rest] = parts::<C>(&sizes);
                Ok(state + rest)
            }
            Err(error) => Err(error),
        }
    }

    /// [`Quantized::block_len`] for the cell that the type says.
    ///
    /// # Errors
    /// As [`Quantized::block_len`].
    pub const fn block_len_as(config: Config) -> Result<usize, ConfigError> {
        let lens = match checked_sizes::<C>(config) {
            Ok(sizes) => block_lens::<C>(&sizes),
            Err(error) => return Err(error),
        };
        let (mut sum, mut tensor) = (0_usize, 0);
        while tensor < lens.len() {
            sum = sum.saturating_add(lens[tensor]);
            tensor += 1;
        }
        Ok(sum)
    }

    /// [`Quantized::from_block`] for the cell that the type says.
    ///
    /// # Errors
    /// As [`Quantized::from_block`].
    // not left to the compiler: at "s" a program that has a block in its flash is 36 bytes shorter so
    #[inline(always)]
    pub fn from_block_as(config: Config, block: &'a [u8]) -> Result<Self, CheckpointError> {
        ConfigError::check_len(Self::block_len_as(config)?, block.len())?;
        let mut rest = block;
        let [embed_scales, wx_scales, wh_scales, affine_scales, rnn_b, affine_b, embed_w, rnn_wx, rnn_wh, affine_w] =
            block_lens::<C>(&config.checked_sizes()).map(|len| {
                let (tensor, after) = rest.split_at_checked(len).unwrap_or_default();
                rest = after;
                tensor
            });
        let rows = |weights, scales: &'a [u8], biases: &'a [u8]| Rows {
            weights,
            scales: scales.as_chunks().0,
            biases: biases.as_chunks().0,
        };
        let quantized = Self {
            config: Config { batch_size: 1, time_size: 1, ..config },
            words: "",
            embed_w: rows(embed_w, embed_scales, &[]),
            rnn_wx: rows(rnn_wx, wx_scales, &[]),
            rnn_wh: rows(rnn_wh, wh_scales, rnn_b),
            affine_w: rows(affine_w, affine_scales, affine_b),
            cell: PhantomData,
        };
        quantized.check()?;
        Ok(quantized)
    }

    /// What the parts of a block must be beyond their lengths.
    fn check(&self) -> Result<(), CheckpointError> {
        let [of_wx, of_wh, ..] = C::TENSORS;
        self.embed_w.check_scales("embed.W.scale")?;
        self.rnn_wx.check_scales(of_wx)?;
        self.rnn_wh.check_scales(of_wh)?;
        self.affine_w.check_scales("affine.W.scale")?;
        self.rnn_wh.check_sums(self.config.hidden_size)?;
        Ok(self.affine_w.check_sums(self.config.hidden_size)?)
    }
}

/// The sizes, where int8 weights of them have sums of 32 bits.
pub(crate) const fn checked_sizes<C: QuantizedCell>(config: Config) -> Result<Sizes, ConfigError> {
    match (Config { batch_size: 1, time_size: 1, ..config }).sizes(C::SIZES) {
        Ok(Sizes { d, hidden, .. }) if d > rounding::LONGEST || hidden > rounding::LONGEST => {
            Err(ConfigError::TooLarge)
        }
        sizes => sizes,
    }
}

/// The bytes of the parts of a block: the scales of embed.W, Wx, Wh and affine.W, the biases of the last two, and the
/// rows of all four.
const fn block_lens<C: QuantizedCell>(&Sizes { v, d, hidden: h, .. }: &Sizes) -> [usize; 10] {
    let gates = C::SIZES.gates * h;
    [4 * v, 4 * gates, 4 * gates, 4 * v, 4 * gates, 4 * v, v * d, gates * d, gates * h, v * h]
}

/// The floats of the states: the hidden one first, two elements in each, then the others.
pub(super) const fn state_len<C: QuantizedCell>(hidden: usize) -> usize {
    hidden.div_ceil(2) + (C::SIZES.states - 1) * hidden
}

/// The floats of the states, of a word vector, and of all that follows the states.
pub(super) const fn parts<C: QuantizedCell>(&Sizes { v, d, hidden, .. }: &Sizes) -> [usize; 3] {
    let vector = d.div_ceil(2);
    // a word vector and the new hidden state, then the logits
    let before = vector + hidden.div_ceil(2);
    [state_len::<C>(hidden), vector, if before > v { before } else { v }]
}

impl<C: QuantizedCell> fmt::Debug for Quantized<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Quantized").field("config", &self.config).finish_non_exhaustive()
    }
}
