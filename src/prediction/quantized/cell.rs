//! What prediction from int8 weights asks of a recurrent cell.

use super::{arithmetic::ONE, rows::Rows};
use crate::{
    model::step::Cell,
    simd::{PACKS, Simd},
};

/// Outputs of the recurrence that are computed together. Vector paths make the state ready for each block.
pub(super) const BLOCK: usize = if PACKS { 64 } else { 16 };

/// A recurrent cell whose models predict from int8 weights too: [`TanhCell`](crate::TanhCell) or
/// [`LstmCell`](crate::LstmCell).
///
/// ```
/// use rnnlm::{Config, ConfigError, LstmCell, Quantized, QuantizedCell, TanhCell};
/// fn flash<C: QuantizedCell>(config: Config) -> Result<usize, ConfigError> {
///     Quantized::<C>::block_len_as(config)
/// }
/// let config =
///     Config { vocab_size: 64, wordvec_size: 16, hidden_size: 32, batch_size: 1, time_size: 1 };
/// assert!(flash::<LstmCell>(config)? < 3 * flash::<TanhCell>(config)?);
/// # Ok::<(), ConfigError>(())
/// ```
// The method is this crate's: `Step` can't be named elsewhere.
#[allow(private_bounds, private_interfaces, reason = "only this crate has cells")]
pub trait QuantizedCell: Cell {
    /// The names in a file of what the cell has there: the scales of Wx and Wh, the biases, the rows of Wx and Wh.
    #[doc(hidden)]
    const TENSORS: [&'static str; 5];

    /// The states after one token.
    #[doc(hidden)]
    fn next_states<S: Simd>(s: S, step: Step<'_>);
}

/// What [`QuantizedCell::next_states`] works on; G is the number of gates.
pub(crate) struct Step<'a> {
    /// (G*H,D), without biases.
    pub wx: &'a Rows<'a>,
    /// (G*H,H)
    pub wh: &'a Rows<'a>,
    /// The word vector (D).
    pub x: &'a [i16],
    /// What 1 in x is, in the argument of tanh.
    pub factor: f32,
    /// The hidden state (H) before the token.
    pub h: &'a [i16],
    /// The other states (H each), which become those after it.
    pub others: &'a mut [i32],
    /// Where the hidden state after it goes.
    pub next: &'a mut [i16],
}

/// Sets a hidden state. What lies beyond [`ONE`] either way counts as that.
pub(super) fn set_hidden(own: &mut [i16], state: &[i16]) {
    let one = ONE as i16;
    own.iter_mut().zip(state).for_each(|(own, &x)| *own = x.max(-one).min(one));
}
