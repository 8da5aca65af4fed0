//! Weights by name as a predictor takes them, whatever their cell.

use crate::{
    config::Config,
    layers::{time_lstm::LstmCell, time_rnn::TanhCell},
    model::{
        parameters::{LstmParameters, Parameters, Weights},
        step::Cell,
    },
};

/// [`Parameters`] or [`LstmParameters`] that are only read.
pub trait ModelWeights<'w> {
    /// The cell that they belong to.
    type Cell: Cell;
    /// Their sizes, with N = T = 1; `None` where they don't belong together.
    fn config(&self) -> Option<Config>;
    /// The weights without their shapes.
    #[allow(private_interfaces, reason = "only this crate has such weights")]
    fn slices(&self) -> Weights<&'w [f32]>;
}

impl<'w> ModelWeights<'w> for Parameters<&'w [f32]> {
    type Cell = TanhCell;
    #[inline(always)]
    fn config(&self) -> Option<Config> {
        Parameters::config(self)
    }
    #[inline(always)]
    fn slices(&self) -> Weights<&'w [f32]> {
        Weights::of_matrices(self)
    }
}

impl<'w> ModelWeights<'w> for LstmParameters<&'w [f32]> {
    type Cell = LstmCell;
    #[inline(always)]
    fn config(&self) -> Option<Config> {
        LstmParameters::config(self)
    }
    #[inline(always)]
    fn slices(&self) -> Weights<&'w [f32]> {
        Weights::of_lstm_matrices(self)
    }
}
