//! Stored gradients, for those who clip or look at them.

use crate::{
    config::{Config, Sizes},
    error::ConfigError,
    parameters::{Parameters, Storage},
};

/// The gradient of every weight, by the same names and in the same order as the weights. Training in place
/// ([`Window::sgd`](crate::Window::sgd)) needs none.
///
/// ```
/// use rnnlm::{Config, Gradients};
/// let config = Config { vocab_size: 5, wordvec_size: 3, hidden_size: 4, batch_size: 1, time_size: 2 };
/// let gradients = Gradients::with_buffer(config, vec![0.0; config.memory()?.weights])?;
/// assert_eq!(gradients.parameters().rnn_wh.rows(), 4);
/// # Ok::<(), rnnlm::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Gradients<B> {
    sizes: Sizes,
    block: B,
}

#[cfg(feature = "alloc")]
impl Gradients<alloc::vec::Vec<f32>> {
    /// Zero gradients on the heap.
    ///
    /// # Errors
    /// Bad sizes, or memory that the allocator refuses.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        Self::with_buffer(config, crate::heap::filled(config.memory()?.weights, 0.0)?)
    }
}

impl<B: Storage> Gradients<B> {
    /// Gradients over memory of the caller, as many elements as the weights.
    ///
    /// # Errors
    /// Bad sizes, or a buffer of another length.
    pub fn with_buffer(config: Config, block: B) -> Result<Self, ConfigError> {
        let sizes = config.sizes()?;
        Parameters::of(&sizes, block.as_ref())?;
        Ok(Self { sizes, block })
    }

    /// Every gradient by name.
    pub fn parameters(&self) -> Parameters<&[f32]> {
        Parameters::of(&self.sizes, self.block.as_ref()).unwrap_or_else(|_| Parameters::empty())
    }

    /// All gradients as one block.
    pub(crate) fn block(&self) -> &[f32] {
        self.block.as_ref()
    }

    /// Whether they belong to weights of these sizes.
    pub(crate) fn match_sizes(&self, sizes: &Sizes) -> bool {
        self.sizes.parameters == sizes.parameters
    }

    /// Every gradient, to be written; `None` where they belong to other sizes.
    pub(crate) fn parameters_mut(&mut self, sizes: &Sizes) -> Option<Parameters<&mut [f32]>> {
        if !self.match_sizes(sizes) {
            return None;
        }
        Parameters::of_mut(sizes, self.block.as_mut()).ok()
    }
}
