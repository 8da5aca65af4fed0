//! What a model asks of its recurrent cell: the layer between the word vectors and the hidden states.

use core::fmt;

use crate::{
    config::{CellSizes, Sizes},
    kernels::{End, PackTransposes, Right, Team},
    simd::Simd,
};

/// A recurrent cell as a layer over a window, and on a single token.
///
/// The buffer `h` of all passes has the matrices of the cell's states, ((T+1)*N,H) each, hidden states first, and
/// behind them what it keeps for the backward pass. The first N rows of a state's matrix are the state before the
/// window.
#[allow(private_bounds, private_interfaces, reason = "only this crate has cells")]
pub trait Layer: Copy + fmt::Debug + Send + Sync + 'static {
    /// What it takes.
    const SIZES: CellSizes;
    /// The name of its model.
    const MODEL: &'static str;
    /// The names of the weights in a file.
    const NAMES: [&'static str; 6];
    /// Whether the recurrence of a single row packs the transposes for the backward pass.
    const PACKS_TRANSPOSES: bool;

    /// z = b + x Wx + h Wh step by step, and the states from it.
    fn forward<T: Team, S: Simd>(team: T, s: S, sizes: &Sizes, pass: Forward<'_>);
    /// From dh to dz, from the last step to the first, then dx = dz Wx^T.
    fn backward<T: Team, S: Simd>(team: T, s: S, sizes: &Sizes, pass: Backward<'_>);
    /// dWx = x^T dz, dWh = h_prev^T dz, db = sum of dz over rows.
    fn weight_gradients<T: Team, S: Simd>(team: T, s: S, sizes: &Sizes, pass: WeightGradients<'_>);
    /// The states (H) each after one token, from z = b + x Wx + h Wh, whose place is used up.
    fn advance<S: Simd>(s: S, states: &mut [f32], z: &mut [f32]);
}

/// What [`Layer::forward`] works on; G is the number of gates.
pub(crate) struct Forward<'a> {
    /// The states before the window are there, the others are filled.
    pub h: &'a mut [f32],
    /// (T*N,D)
    pub x: &'a [f32],
    /// (D,G*H)
    pub wx: &'a [f32],
    /// (H,G*H)
    pub wh: &'a [f32],
    /// (G*H)
    pub b: &'a [f32],
    /// Packing that is interleaved with the recurrence, which waits for itself.
    pub overlap: Option<PackTransposes<'a>>,
    /// None where the overlap packs into it.
    pub scratch: &'a mut [f32],
}

/// What [`Layer::backward`] works on.
pub(crate) struct Backward<'a> {
    /// (T*N,D)
    pub d_x: &'a mut [f32],
    /// (T*N,H): dh from the layer above; a cell without gates leaves dz there.
    pub d_h: &'a mut [f32],
    /// As the forward pass left it; a cell with gates leaves dz there.
    pub h: &'a mut [f32],
    /// Wx^T (G*H,D)
    pub wx_t: Right<'a>,
    /// Wh^T (G*H,H)
    pub wh_t: Right<'a>,
    pub scratch: &'a mut [f32],
}

/// What [`Layer::weight_gradients`] works on.
pub(crate) struct WeightGradients<'a> {
    /// (D,G*H): where dWx is stored, or Wx to be updated in place.
    pub wx: &'a mut [f32],
    /// (H,G*H): where dWh is stored, or Wh to be updated in place.
    pub wh: &'a mut [f32],
    /// (G*H): where db is stored, or b to be updated in place.
    pub b: &'a mut [f32],
    /// (T*N,D)
    pub x: &'a [f32],
    /// As the backward pass left it.
    pub h: &'a [f32],
    /// (T*N,H): as the backward pass left it.
    pub d_h: &'a [f32],
    pub end: End<'a>,
    pub scratch: &'a mut [f32],
}
