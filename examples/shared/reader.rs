//! What reads a text and tells what comes next: over f32 weights or int8 weights, of either cell.

use std::error::Error;

use rnnlm::{Cell, Model, Predictor, Quantized, QuantizedCell, QuantizedPredictor, StepError, Storage, Workspace};

/// A predictor of any kind.
pub trait Reader {
    /// The probability of each word to come behind this one.
    fn feed(&mut self, id: u32) -> Result<&[f32], StepError>;
}

impl<B: Storage, C: Cell> Reader for Predictor<'_, B, C> {
    fn feed(&mut self, id: u32) -> Result<&[f32], StepError> {
        Predictor::feed(self, id)
    }
}

impl<B: Storage, C: QuantizedCell> Reader for QuantizedPredictor<'_, B, C> {
    fn feed(&mut self, id: u32) -> Result<&[f32], StepError> {
        QuantizedPredictor::feed(self, id)
    }
}

/// What can be asked for the next word.
pub trait Predicts {
    /// A predictor that has read nothing.
    fn reader(&self, temperature: f32) -> Result<Box<dyn Reader + '_>, Box<dyn Error>>;
}

impl<C: Cell, W: Storage, S: Workspace> Predicts for Model<C, W, S> {
    fn reader(&self, temperature: f32) -> Result<Box<dyn Reader + '_>, Box<dyn Error>> {
        Ok(Box::new(self.predictor()?.with_temperature(temperature)?))
    }
}

impl<C: QuantizedCell> Predicts for Quantized<'_, C> {
    fn reader(&self, temperature: f32) -> Result<Box<dyn Reader + '_>, Box<dyn Error>> {
        Ok(Box::new(QuantizedPredictor::new(*self)?.with_temperature(temperature)?))
    }
}
