//! Rows of int8, where they stand.

use super::rounding;
use crate::error::{CheckpointError, ConfigError};

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

    /// The rows from `first` on, of `len` elements each.
    #[inline(always)]
    pub(super) fn from(&self, first: usize, len: usize) -> Self {
        Self {
            weights: self.weights.get(first * len..).unwrap_or(&[]),
            scales: self.scales.get(first..).unwrap_or(&[]),
            biases: self.biases.get(first..).unwrap_or(&[]),
        }
    }

    /// Every scale is a number, and none below zero.
    // inlined for each tensor it takes 15 KB of a Cortex-M's flash
    #[inline(never)]
    pub(super) fn check_scales(&self, tensor: &'static str) -> Result<(), CheckpointError> {
        let good = self.scales().all(|scale| scale.is_finite() && scale >= 0.0);
        if good { Ok(()) } else { Err(CheckpointError::NotFinite { tensor }) }
    }

    /// No sum of a row of this length leaves an i32.
    #[inline(never)]
    pub(super) fn check_sums(&self, len: usize) -> Result<(), ConfigError> {
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
