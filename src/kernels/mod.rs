//! The arithmetic of the model: each kernel is written once, generic over the instruction set.

mod descent;
mod elementwise;
mod exp;
mod gemm;
mod lstm;
mod norm;
mod recurrence;
mod scalar;
mod sigmoid;
mod softmax;
mod sum;
mod workers;

pub(crate) use descent::{Descend, StepsAreFinite, no_step_overflows};
pub(crate) use elementwise::{Add, MaxAbs, clear, copy, part, part_mut};
pub(crate) use exp::{Exp, Tanh};
pub(crate) use gemm::{
    End, Gemv, Left, PACK_FROM_COLUMNS, Probe, Product, ProductAndSums, Right, Shape, packed_b_len, packed_len,
    transposed_b_len,
};
pub use gemm::{Form, Matmul, Start, matmul_scratch};
#[cfg(feature = "alloc")]
pub(crate) use gemm::{before_line, with_room_to_align};
pub(crate) use lstm::{LstmBackward, LstmForward};
pub(crate) use norm::{Norm, Scale, largest};
pub(crate) use recurrence::{
    PackTransposes, Recurrence, RecurrenceBackward, Transposes, packed_transposes, transposes_len,
};
pub(crate) use scalar::{ln, sin_cos, sqrt};
pub(crate) use sigmoid::Sigmoid;
pub(crate) use softmax::{ScoreRow, Softmax, SoftmaxRow};
pub(crate) use sum::Sum;
pub use workers::Workers;
pub(crate) use workers::{Alone, Columns, Cut, Dealt, Team, Together, pass_by};

use crate::simd::{Isa, Scalar};

/// Replaces every element by its exponential, below 0.8 ulp of the exact value, monotone, the same bits on every
/// instruction set. 0 below -104, infinity above 88.73, NaN for NaN. Never fails; one pass over the slice.
///
/// ```
/// use rnnlm::{Isa, exp};
/// let mut x = [0.0, 1.0, f32::NEG_INFINITY];
/// exp(Isa::detect(), &mut x);
/// assert_eq!(x, [1.0, 2.718_281_8, 0.0]);
/// ```
pub fn exp(isa: Isa, x: &mut [f32]) {
    isa.run(Exp(x));
}

/// Replaces every element by its hyperbolic tangent, below 0.9 ulp of the exact value, monotone, odd, the same bits
/// on every instruction set. NaN for NaN. Never fails; one pass over the slice.
///
/// ```
/// use rnnlm::{Isa, tanh};
/// let mut x = [0.0, 0.5, f32::NEG_INFINITY];
/// tanh(Isa::detect(), &mut x);
/// assert_eq!(x, [0.0, 0.462_117_16, -1.0]);
/// ```
pub fn tanh(isa: Isa, x: &mut [f32]) {
    isa.run(Tanh(x));
}

/// Replaces every element by the logistic function 1 / (1 + e^-x), below 0.8 ulp of the exact value, monotone, the same
/// bits on every instruction set. 0 below -104, NaN for NaN. Never fails; one pass over the slice.
///
/// ```
/// use rnnlm::{Isa, sigmoid};
/// let mut x = [0.0, 1.0, f32::NEG_INFINITY];
/// sigmoid(Isa::detect(), &mut x);
/// assert_eq!(x, [0.5, 0.731_058_6, 0.0]);
/// ```
pub fn sigmoid(isa: Isa, x: &mut [f32]) {
    isa.run(Sigmoid(x));
}

/// e^x of one number.
pub(crate) fn exp_of(x: f32) -> f32 {
    exp::exp_lanes(Scalar, x)
}

/// Perplexity, e to the mean loss: the number of equally likely words among which the model still wavers.
///
/// ```
/// assert_eq!(rnnlm::perplexity(0.0), 1.0);
/// assert!((rnnlm::perplexity(10_f32.ln()) - 10.0).abs() < 1e-5);
/// ```
#[must_use]
pub fn perplexity(mean_loss: f32) -> f32 {
    exp_of(mean_loss)
}
