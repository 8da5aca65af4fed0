//! What comes next: the probabilities of the next word, the likeliest words, and one drawn at random.

pub(crate) mod predictor;
pub(crate) mod quantized;
pub(crate) mod sampling;
pub(crate) mod weights;
