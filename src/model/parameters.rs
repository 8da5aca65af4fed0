//! The six weight matrices of the model, by name, in one block of memory.

use super::workspace::split;
use crate::{
    config::{Config, Sizes},
    error::ConfigError,
    layers::{cell::Layer, time_lstm::LstmCell, time_rnn::TanhCell},
    matrix::Matrix,
};

/// Memory for f32: a `Vec<f32>`, a `&mut [f32]`, an array, anything that always shows the same slice.
///
/// ```
/// fn takes(storage: impl rnnlm::Storage) -> usize { storage.as_ref().len() }
/// assert_eq!(takes(&mut [0.0; 3][..]), 3);
/// ```
pub trait Storage: AsRef<[f32]> + AsMut<[f32]> {}
impl<B: AsRef<[f32]> + AsMut<[f32]>> Storage for B {}

/// The weights, or their gradients, by name. They are in one block in the order of the fields.
///
/// ```
/// use rnnlm::{Config, SimpleRnnlm, Xorshift};
/// let config =
///     Config { vocab_size: 7, wordvec_size: 3, hidden_size: 4, batch_size: 1, time_size: 2 };
/// let mut model = SimpleRnnlm::new(config, &mut Xorshift::new(1))?;
/// assert_eq!((model.weights().affine_w.rows(), model.weights().affine_w.cols()), (4, 7));
/// model.weights_mut().rnn_b.as_mut_slice().fill(0.5);
/// for (name, matrix) in model.weights().named() {
///     println!("{name} {} x {}", matrix.rows(), matrix.cols());
/// }
/// # Ok::<(), rnnlm::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parameters<S> {
    /// embed.W (V,D): a word vector per row.
    pub embed_w: Matrix<S>,
    /// rnn.Wx (D,H).
    pub rnn_wx: Matrix<S>,
    /// rnn.Wh (H,H).
    pub rnn_wh: Matrix<S>,
    /// rnn.b (1,H).
    pub rnn_b: Matrix<S>,
    /// affine.W (H,V).
    pub affine_w: Matrix<S>,
    /// affine.b (1,V).
    pub affine_b: Matrix<S>,
}

impl<S> Parameters<S> {
    /// All six with their names, in the order in which they are in memory.
    #[must_use]
    pub fn named(self) -> [(&'static str, Matrix<S>); 6] {
        [
            ("embed.W", self.embed_w),
            ("rnn.Wx", self.rnn_wx),
            ("rnn.Wh", self.rnn_wh),
            ("rnn.b", self.rnn_b),
            ("affine.W", self.affine_w),
            ("affine.b", self.affine_b),
        ]
    }

    /// No elements at all.
    pub(crate) fn empty() -> Self
    where
        S: Default,
    {
        Self {
            embed_w: Matrix::default(),
            rnn_wx: Matrix::default(),
            rnn_wh: Matrix::default(),
            rnn_b: Matrix::default(),
            affine_w: Matrix::default(),
            affine_b: Matrix::default(),
        }
    }

    /// From slices of the lengths that [`Sizes::parameters`] gives.
    fn assemble(&Sizes { v, d, hidden, .. }: &Sizes, weights: Weights<S>) -> Self
    where
        S: AsRef<[f32]>,
    {
        Self {
            embed_w: Matrix::of_its_length(v, d, weights.embed_w),
            rnn_wx: Matrix::of_its_length(d, hidden, weights.rnn_wx),
            rnn_wh: Matrix::of_its_length(hidden, hidden, weights.rnn_wh),
            rnn_b: Matrix::of_its_length(1, hidden, weights.rnn_b),
            affine_w: Matrix::of_its_length(hidden, v, weights.affine_w),
            affine_b: Matrix::of_its_length(1, v, weights.affine_b),
        }
    }
}

impl<'a> Parameters<&'a [f32]> {
    /// The sizes that these matrices have, with N = T = 1; `None` where they don't belong together.
    pub(crate) fn config(&self) -> Option<Config> {
        let shape = |m: &Matrix<&[f32]>| (m.rows(), m.cols());
        let (v, d) = shape(&self.embed_w);
        let h = self.rnn_wh.rows();
        let fit = shape(&self.rnn_wx) == (d, h)
            && shape(&self.rnn_wh) == (h, h)
            && shape(&self.rnn_b) == (1, h)
            && shape(&self.affine_w) == (h, v)
            && shape(&self.affine_b) == (1, v);
        fit.then_some(Config { vocab_size: v, wordvec_size: d, hidden_size: h, batch_size: 1, time_size: 1 })
    }

    /// The weights of a model that are in one block, in flash for instance, in the order of the fields, as
    /// [`SimpleRnnlm::weights_block`](crate::SimpleRnnlm::weights_block) shows them. Nothing is copied.
    ///
    /// ```
    /// use rnnlm::{Config, Parameters, Predictor};
    /// const CONFIG: Config =
    ///     Config { vocab_size: 5, wordvec_size: 3, hidden_size: 4, batch_size: 1, time_size: 2 };
    /// static WEIGHTS: [f32; 72] = [0.0; 72];
    /// let weights = Parameters::from_block(CONFIG, &WEIGHTS)?;
    /// let mut predictor = Predictor::with_buffers(weights, [0.0; 9])?;
    /// assert_eq!(predictor.feed(1)?, [0.2; 5]); // of weights that know nothing
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Bad sizes, or a block whose length is not exactly the one of [`Config::memory`].
    pub fn from_block(config: Config, block: &'a [f32]) -> Result<Self, ConfigError> {
        let (needed, given) = (config.memory()?.weights, block.len());
        ConfigError::check_len(needed, given)?;
        Self::of(&config.checked_sizes(), block).ok_or(ConfigError::BufferLength { needed, given })
    }

    /// Views of a block that holds the weights of these sizes; `None` where it is shorter.
    pub(crate) fn of(sizes: &Sizes, block: &'a [f32]) -> Option<Self> {
        Some(Self::assemble(sizes, Weights::of::<TanhCell>(sizes, block)?))
    }
}

impl<'a> Parameters<&'a mut [f32]> {
    /// Mutable views of a block that holds the weights of these sizes; `None` where it is shorter.
    pub(crate) fn of_mut(sizes: &Sizes, block: &'a mut [f32]) -> Option<Self> {
        Some(Self::assemble(sizes, Weights::named(split(block, &sizes.parameters(TanhCell::SIZES.gates))?)))
    }
}

/// The weights of an LSTM model, or their gradients, by name: as [`Parameters`], but for the cell. The columns of the
/// recurrent layer are its gates in the book's order: forget f, candidate g, input i, output o, H each.
///
/// ```
/// use rnnlm::{Config, Rnnlm, Xorshift};
/// let config =
///     Config { vocab_size: 7, wordvec_size: 3, hidden_size: 4, batch_size: 1, time_size: 2 };
/// let mut model = Rnnlm::new(config, &mut Xorshift::new(1))?;
/// assert_eq!((model.weights().lstm_wx.rows(), model.weights().lstm_wx.cols()), (3, 16));
/// model.weights_mut().lstm_b.as_mut_slice()[..4].fill(1.0); // forgets little at first
/// for (name, matrix) in model.weights().named() {
///     println!("{name} {} x {}", matrix.rows(), matrix.cols());
/// }
/// # Ok::<(), rnnlm::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LstmParameters<S> {
    /// embed.W (V,D): a word vector per row.
    pub embed_w: Matrix<S>,
    /// lstm.Wx (D,4H).
    pub lstm_wx: Matrix<S>,
    /// lstm.Wh (H,4H).
    pub lstm_wh: Matrix<S>,
    /// lstm.b (1,4H).
    pub lstm_b: Matrix<S>,
    /// affine.W (H,V).
    pub affine_w: Matrix<S>,
    /// affine.b (1,V).
    pub affine_b: Matrix<S>,
}

impl<S> LstmParameters<S> {
    /// All six with their names, in the order in which they are in memory.
    #[must_use]
    pub fn named(self) -> [(&'static str, Matrix<S>); 6] {
        let Self { embed_w, lstm_wx, lstm_wh, lstm_b, affine_w, affine_b } = self;
        let [a, b, c, d, e, f] = LstmCell::NAMES;
        [(a, embed_w), (b, lstm_wx), (c, lstm_wh), (d, lstm_b), (e, affine_w), (f, affine_b)]
    }

    /// No elements at all.
    pub(crate) fn empty() -> Self
    where
        S: Default,
    {
        let [embed_w, lstm_wx, lstm_wh, lstm_b, affine_w, affine_b] = [(); 6].map(|()| Matrix::default());
        Self { embed_w, lstm_wx, lstm_wh, lstm_b, affine_w, affine_b }
    }

    fn assemble(&Sizes { v, d, hidden, .. }: &Sizes, weights: Weights<S>) -> Self
    where
        S: AsRef<[f32]>,
    {
        let columns = LstmCell::SIZES.gates * hidden;
        Self {
            embed_w: Matrix::of_its_length(v, d, weights.embed_w),
            lstm_wx: Matrix::of_its_length(d, columns, weights.rnn_wx),
            lstm_wh: Matrix::of_its_length(hidden, columns, weights.rnn_wh),
            lstm_b: Matrix::of_its_length(1, columns, weights.rnn_b),
            affine_w: Matrix::of_its_length(hidden, v, weights.affine_w),
            affine_b: Matrix::of_its_length(1, v, weights.affine_b),
        }
    }
}

impl<'a> LstmParameters<&'a [f32]> {
    /// The sizes that these matrices have, with N = T = 1; `None` where they don't belong together.
    pub(crate) fn config(&self) -> Option<Config> {
        let shape = |m: &Matrix<&[f32]>| (m.rows(), m.cols());
        let (v, d) = shape(&self.embed_w);
        let (h, columns) = shape(&self.lstm_wh);
        let fit = h.checked_mul(LstmCell::SIZES.gates) == Some(columns)
            && shape(&self.lstm_wx) == (d, columns)
            && shape(&self.lstm_b) == (1, columns)
            && shape(&self.affine_b) == (1, v)
            && shape(&self.affine_w) == (h, v);
        fit.then_some(Config { vocab_size: v, wordvec_size: d, hidden_size: h, batch_size: 1, time_size: 1 })
    }

    /// The weights of a model that are in one block, as [`Parameters::from_block`].
    ///
    /// ```
    /// use rnnlm::{Config, LstmCell, LstmParameters, Predictor};
    /// const CONFIG: Config =
    ///     Config { vocab_size: 5, wordvec_size: 3, hidden_size: 4, batch_size: 1, time_size: 2 };
    /// static WEIGHTS: [f32; 168] = [0.0; 168];
    /// let weights = LstmParameters::from_block(CONFIG, &WEIGHTS)?;
    /// let mut predictor = Predictor::with_buffers(weights, [0.0; 28])?;
    /// assert_eq!(predictor.feed(1)?, [0.2; 5]); // of weights that know nothing
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Bad sizes, or a block whose length is not exactly the one of [`Config::memory_of`].
    pub fn from_block(config: Config, block: &'a [f32]) -> Result<Self, ConfigError> {
        let (needed, given) = (config.memory_with(LstmCell::SIZES)?.weights, block.len());
        ConfigError::check_len(needed, given)?;
        Self::of(&config.checked_sizes(), block).ok_or(ConfigError::BufferLength { needed, given })
    }

    /// Views of a block that holds the weights of these sizes; `None` where it is shorter.
    pub(crate) fn of(sizes: &Sizes, block: &'a [f32]) -> Option<Self> {
        Some(Self::assemble(sizes, Weights::of::<LstmCell>(sizes, block)?))
    }
}

impl<'a> LstmParameters<&'a mut [f32]> {
    /// Mutable views of a block that holds the weights of these sizes; `None` where it is shorter.
    pub(crate) fn of_mut(sizes: &Sizes, block: &'a mut [f32]) -> Option<Self> {
        let lens = sizes.parameters(LstmCell::SIZES.gates);
        Some(Self::assemble(sizes, Weights::named(split(block, &lens)?)))
    }
}

/// The six weights, or their gradients, by name without their shapes; `T` is what there is of each. `rnn` is the
/// recurrent layer, of whatever cell; H stands for its columns, which are 4H in an LSTM.
#[derive(Clone, Copy)]
pub struct Weights<T> {
    /// (V,D)
    pub embed_w: T,
    /// (D,H)
    pub rnn_wx: T,
    /// (H,H)
    pub rnn_wh: T,
    /// (1,H)
    pub rnn_b: T,
    /// (H,V)
    pub affine_w: T,
    /// (1,V)
    pub affine_b: T,
}

impl<T> Weights<T> {
    /// From what is in the order of [`Sizes::parameters`].
    #[inline(always)]
    pub(crate) fn named([embed_w, rnn_wx, rnn_wh, rnn_b, affine_w, affine_b]: [T; 6]) -> Self {
        Self { embed_w, rnn_wx, rnn_wh, rnn_b, affine_w, affine_b }
    }

    /// All, in the order of [`Sizes::parameters`].
    #[inline(always)]
    pub(crate) fn in_order(self) -> [T; 6] {
        let Self { embed_w, rnn_wx, rnn_wh, rnn_b, affine_w, affine_b } = self;
        [embed_w, rnn_wx, rnn_wh, rnn_b, affine_w, affine_b]
    }

    #[inline(always)]
    pub(crate) fn named_ref([embed_w, rnn_wx, rnn_wh, rnn_b, affine_w, affine_b]: &[T; 6]) -> Weights<&T> {
        Weights { embed_w, rnn_wx, rnn_wh, rnn_b, affine_w, affine_b }
    }

    #[inline(always)]
    pub(crate) fn named_mut([embed_w, rnn_wx, rnn_wh, rnn_b, affine_w, affine_b]: &mut [T; 6]) -> Weights<&mut T> {
        Weights { embed_w, rnn_wx, rnn_wh, rnn_b, affine_w, affine_b }
    }
}

impl<'a> Weights<&'a [f32]> {
    /// The weights of these sizes that are in a block in the order of [`Sizes::parameters`]; `None` where it is
    /// shorter.
    pub(crate) fn of<C: Layer>(sizes: &Sizes, block: &'a [f32]) -> Option<Self> {
        // no loop: where the sizes are constants, so are the places
        let lens = Weights::named(sizes.parameters(C::SIZES.gates));
        let (embed_w, rest) = block.split_at_checked(lens.embed_w)?;
        let (rnn_wx, rest) = rest.split_at_checked(lens.rnn_wx)?;
        let (rnn_wh, rest) = rest.split_at_checked(lens.rnn_wh)?;
        let (rnn_b, rest) = rest.split_at_checked(lens.rnn_b)?;
        let (affine_w, rest) = rest.split_at_checked(lens.affine_w)?;
        Some(Self { embed_w, rnn_wx, rnn_wh, rnn_b, affine_w, affine_b: rest.get(..lens.affine_b)? })
    }

    /// Without the shapes of these matrices.
    #[inline(always)]
    pub(crate) fn of_matrices(matrices: &Parameters<&'a [f32]>) -> Self {
        Self {
            embed_w: matrices.embed_w.data(),
            rnn_wx: matrices.rnn_wx.data(),
            rnn_wh: matrices.rnn_wh.data(),
            rnn_b: matrices.rnn_b.data(),
            affine_w: matrices.affine_w.data(),
            affine_b: matrices.affine_b.data(),
        }
    }

    /// [`Self::of_matrices`] of an LSTM model.
    #[inline(always)]
    pub(crate) fn of_lstm_matrices(matrices: &LstmParameters<&'a [f32]>) -> Self {
        Self {
            embed_w: matrices.embed_w.data(),
            rnn_wx: matrices.lstm_wx.data(),
            rnn_wh: matrices.lstm_wh.data(),
            rnn_b: matrices.lstm_b.data(),
            affine_w: matrices.affine_w.data(),
            affine_b: matrices.affine_b.data(),
        }
    }
}
