//! The int8 weights of a model, where they stand.

use core::fmt;

use super::rounding;
use crate::{
    config::{Config, Sizes},
    error::{CheckpointError, ConfigError},
    layers::{cell::Layer, time_rnn::TanhCell},
};

/// Rows of int8, one for each output, with the scale and the bias of each.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a> {
    /// As bytes; each is an i8.
    pub weights: &'a [u8],
    /// f32, little-endian.
    pub scales: &'a [[u8; 4]],
    /// i32, little-endian; none where there are no biases.
    pub biases: &'a [[u8; 4]],
}

impl<'a> Rows<'a> {
    /// Scale by scale.
    #[inline(always)]
    pub(super) fn scales(&self) -> impl Iterator<Item = f32> + use<'a> {
        self.scales.iter().map(|&four| f32::from_le_bytes(four))
    }

    /// Bias by bias.
    #[inline(always)]
    pub(super) fn biases(&self) -> impl Iterator<Item = i32> + use<'a> {
        self.biases.iter().map(|&four| i32::from_le_bytes(four))
    }

    /// Every scale is a number, and none below zero.
    fn check_scales(&self, tensor: &'static str) -> Result<(), CheckpointError> {
        let good = self.scales().all(|scale| scale.is_finite() && scale >= 0.0);
        if good { Ok(()) } else { Err(CheckpointError::NotFinite { tensor }) }
    }

    /// No sum of a row of this length leaves an i32.
    fn check_sums(&self, len: usize) -> Result<(), ConfigError> {
        let mut rest = self.weights;
        for bias in self.biases() {
            let (row, after) = rest.split_at_checked(len).unwrap_or_default();
            if !rounding::is_within_bounds(row, bias) {
                return Err(ConfigError::TooLarge);
            }
            rest = after;
        }
        Ok(())
    }
}

/// A model's weights as int8, a quarter of the bytes, for prediction alone: what [`Quantized::write`] makes of a
/// trained model and [`Quantized::read`] finds in a file.
///
/// Borrows the bytes, from memory or from flash; nothing is copied, and they need no alignment. Symmetric, with a scale
/// for each word vector and for each output of a matrix, from the largest magnitude among its weights. It takes
/// V D + (D + H) H + H V bytes, and 12 (V + H) for scales and biases.
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
#[derive(Clone, Copy)]
pub struct Quantized<'a> {
    pub(crate) config: Config,
    pub(crate) words: &'a str,
    /// (V,D), without biases.
    pub(crate) embed_w: Rows<'a>,
    /// (H,D), without biases.
    pub(crate) rnn_wx: Rows<'a>,
    /// (H,H)
    pub(crate) rnn_wh: Rows<'a>,
    /// (V,H)
    pub(crate) affine_w: Rows<'a>,
}

impl<'a> Quantized<'a> {
    /// The sizes; N and T, which prediction doesn't need, are 1.
    #[must_use]
    pub fn config(&self) -> Config {
        self.config
    }

    /// The words of the vocabulary in the order of their ids; none where there are no words.
    pub fn words(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.words.split_terminator('\n')
    }

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
        match checked_sizes(config) {
            Ok(sizes) => {
                let [state, _, rest] = parts(&sizes);
                Ok(state + rest)
            }
            Err(error) => Err(error),
        }
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
        let lens = match checked_sizes(config) {
            Ok(sizes) => block_lens(&sizes),
            Err(error) => return Err(error),
        };
        let (mut sum, mut tensor) = (0_usize, 0);
        while tensor < lens.len() {
            sum = sum.saturating_add(lens[tensor]);
            tensor += 1;
        }
        Ok(sum)
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
        ConfigError::check_len(Self::block_len(config)?, block.len())?;
        let mut rest = block;
        let [embed_scales, wx_scales, wh_scales, affine_scales, rnn_b, affine_b, embed_w, rnn_wx, rnn_wh, affine_w] =
            block_lens(&config.checked_sizes()).map(|len| {
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
        };
        quantized.check()?;
        Ok(quantized)
    }

    /// What the parts of a block must be beyond their lengths.
    fn check(&self) -> Result<(), CheckpointError> {
        self.embed_w.check_scales("embed.W.scale")?;
        self.rnn_wx.check_scales("rnn.Wx.scale")?;
        self.rnn_wh.check_scales("rnn.Wh.scale")?;
        self.affine_w.check_scales("affine.W.scale")?;
        self.rnn_wh.check_sums(self.config.hidden_size)?;
        Ok(self.affine_w.check_sums(self.config.hidden_size)?)
    }
}

/// The sizes, where int8 weights of them have sums of 32 bits.
pub(crate) const fn checked_sizes(config: Config) -> Result<Sizes, ConfigError> {
    match (Config { batch_size: 1, time_size: 1, ..config }).sizes(TanhCell::SIZES) {
        Ok(Sizes { d, hidden, .. }) if d > rounding::LONGEST || hidden > rounding::LONGEST => {
            Err(ConfigError::TooLarge)
        }
        sizes => sizes,
    }
}

/// The bytes of the parts of a block: the scales of embed.W, rnn.Wx, rnn.Wh and affine.W, the biases of the last two,
/// and the rows of all four.
const fn block_lens(&Sizes { v, d, hidden: h, .. }: &Sizes) -> [usize; 10] {
    [4 * v, 4 * h, 4 * h, 4 * v, 4 * h, 4 * v, v * d, h * d, h * h, v * h]
}

/// The floats of the hidden state, of a word vector, and of all that follows the state.
pub(super) const fn parts(&Sizes { v, d, hidden, .. }: &Sizes) -> [usize; 3] {
    let (state, vector) = (hidden.div_ceil(2), d.div_ceil(2));
    // a word vector and the new state, then the logits
    let before = vector + state;
    [state, vector, if before > v { before } else { v }]
}

impl fmt::Debug for Quantized<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Quantized").field("config", &self.config).finish_non_exhaustive()
    }
}
