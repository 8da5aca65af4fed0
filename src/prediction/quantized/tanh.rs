//! The tanh cell on int8 weights: next = ONE tanh(Wx x + Wh h + b).

use super::{
    arithmetic::tanh,
    cell::{BLOCK, QuantizedCell, Step, set_hidden},
    predictor::QuantizedPredictor,
};
use crate::{
    error::StepError,
    layers::time_rnn::TanhCell,
    model::parameters::Storage,
    simd::{
        PACKS, Simd,
        int8::{as_halves, as_halves_mut},
    },
};

#[allow(private_bounds, private_interfaces, reason = "only this crate has cells")]
impl QuantizedCell for TanhCell {
    const TENSORS: [&'static str; 5] = ["rnn.Wx.scale", "rnn.Wh.scale", "rnn.b", "rnn.Wx.T", "rnn.Wh.T"];

    #[inline(always)]
    fn next_states<S: Simd>(s: S, step: Step<'_>) {
        let Step { wx, wh, x, factor, h, mut next, .. } = step;
        let (mut of_x, mut of_h) = (wx.weights, wh.weights);
        let mut scales = wx.scales().zip(wh.scales()).zip(wh.biases());
        while !next.is_empty() {
            let count = if next.len() < BLOCK { next.len() } else { BLOCK };
            let (block, after) = next.split_at_mut_checked(count).unwrap_or_default();
            let (mut xs, mut hs) = ([0; BLOCK], [0; BLOCK]);
            let (rows, rest) = of_x.split_at_checked(count * x.len()).unwrap_or_default();
            s.dot_rows(rows, x, xs.get_mut(..count).unwrap_or(&mut []));
            of_x = rest;
            let (rows, rest) = of_h.split_at_checked(count * h.len()).unwrap_or_default();
            s.dot_rows(rows, h, hs.get_mut(..count).unwrap_or(&mut []));
            of_h = rest;
            // the block first: where it ends, the next one's scales must still be there
            let sums = block.iter_mut().zip(xs.iter_mut().zip(hs));
            for ((to, (x, h)), ((x_scale, h_scale), bias)) in sums.zip(&mut scales) {
                let z = s.scaled_sums([*x, h.wrapping_add(bias)], [x_scale, factor, h_scale]);
                if PACKS { *x = z } else { *to = tanh(z) as i16 }
            }
            if PACKS {
                // apart, so that it vectorises
                block.iter_mut().zip(xs).for_each(|(to, z)| *to = tanh(z) as i16);
            }
            next = after;
        }
    }
}

impl<B: Storage> QuantizedPredictor<'_, B> {
    /// The hidden state (H), 23,637 for 1: all that the predictor knows of what was read.
    ///
    /// ```
    /// # use rnnlm::{Config, Quantized, QuantizedPredictor, SimpleRnnlm, Xorshift};
    /// # let config = Config { vocab_size: 5, wordvec_size: 3, hidden_size: 4, batch_size: 1, time_size: 2 };
    /// # let model = SimpleRnnlm::new(config, &mut Xorshift::new(1))?;
    /// # let mut file = vec![0; Quantized::encoded_len(config, 0)?];
    /// # Quantized::write(&model.weights(), "", &mut file)?;
    /// let mut predictor = QuantizedPredictor::new(Quantized::read(&file)?)?;
    /// predictor.feed(0)?;
    /// let read: Vec<i16> = predictor.state().to_vec();
    /// let after_1 = predictor.feed(1)?.to_vec();
    /// predictor.set_state(&read)?;
    /// assert_eq!(predictor.feed(1)?, after_1);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn state(&self) -> &[i16] {
        as_halves(self.buffer.as_ref()).get(..self.weights.config.hidden_size).unwrap_or(&[])
    }

    /// Sets the hidden state (H): one from [`Self::state`]. What lies beyond 23,637 either way counts as that.
    ///
    /// # Errors
    /// [`StepError::Length`] for a slice of another length.
    pub fn set_state(&mut self, state: &[i16]) -> Result<(), StepError> {
        let (needed, given) = (self.weights.config.hidden_size, state.len());
        let own = as_halves_mut(self.buffer.as_mut()).get_mut(..needed).filter(|own| own.len() == given);
        set_hidden(own.ok_or(StepError::Length { needed, given })?, state);
        Ok(())
    }
}
