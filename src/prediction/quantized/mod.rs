//! Prediction from int8 weights, in integers from the word vector to the logits.
//!
//! Every row of weights, which makes one output, has a scale; so has every word vector. A weight is `scale * integer`.
//! The hidden state is an i16 in units of 1 / [`ONE`](arithmetic::ONE), and a bias an i32 in the units of its row's
//! sums.
//!
//! ```text
//! a = Wx x                 b = Wh h + bias          sums of integers, exact
//! y = a (s_Wx (s_x UNITS)) + b s_Wh                 UNITS z, and e^2z = 2^(y / 2^13): f32, then truncated
//! h = ONE tanh z                                    integers; of an LSTM: `lstm`
//! l = (W h + bias) s_W                              a logit in 2^-14 of a power of two: f32, then truncated
//! e = 2^(30 - (max l - l) / 2^14)                   integers
//! p = e (1 / sum of e)                              the sum is an integer; f32
//! ```
//!
//! UNITS is 2^14 log2 e, ONE the integer next to it, so that no factor but the scale stands between the sums and the
//! logits. The five operations on f32 (an integer's nearest f32, product, sum, quotient, truncation, which saturates)
//! are IEEE's, and the integers are exact: the bits are the same everywhere, without a fused multiply-add. `rounding`
//! sees to it that no sum of a row leaves an i32.

pub(crate) mod arithmetic;
pub(crate) mod cell;
mod lstm;
pub(crate) mod predictor;
pub(crate) mod rounding;
mod rows;
mod tanh;
pub(crate) mod weights;
