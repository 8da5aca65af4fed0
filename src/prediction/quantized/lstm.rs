//! The LSTM on int8 weights.
//!
//! ```text
//! z = Wx x + Wh h + b       in 1 / UNITS, gate by gate: f, g, i and o, H rows each
//! f, i, o = OPEN sigmoid z  g = ONE tanh z
//! c = (f c + i 16 g) / OPEN an i64, rounded to the nearest, of two the larger; then an i32, or its nearest
//! h = o (ONE tanh c) / OPEN rounded alike
//! ```
//!
//! c is in units of 1 / (16 ONE): its rounding is far below those of the gates, and an i32 holds what lies within 5,678
//! of 0. A token moves c by 1 at most, so a text must push one way for thousands of tokens to reach that end; there c
//! stays, and h, which is near o from |c| = 6 on, doesn't notice.

use super::{
    arithmetic::{OPEN_BITS, sigmoid, tanh},
    cell::{BLOCK, QuantizedCell, Step, set_hidden},
    predictor::QuantizedPredictor,
    rows::Rows,
};
use crate::{
    error::StepError,
    layers::{cell::Layer, time_lstm::LstmCell},
    model::parameters::Storage,
    simd::{
        Simd,
        int8::{as_halves, as_halves_mut, as_integers, as_integers_mut},
    },
};

const GATES: usize = LstmCell::SIZES.gates;

/// A unit of h is 2^4 units of c.
const FINER: u32 = 4;

#[allow(private_bounds, private_interfaces, reason = "only this crate has cells")]
impl QuantizedCell for LstmCell {
    const TENSORS: [&'static str; 5] = ["lstm.Wx.scale", "lstm.Wh.scale", "lstm.b", "lstm.Wx.T", "lstm.Wh.T"];

    #[inline(always)]
    fn next_states<S: Simd>(s: S, step: Step<'_>) {
        let Step { wx, wh, x, factor, h, others, next } = step;
        let mut first = 0;
        for (next, c) in next.chunks_mut(BLOCK).zip(others.chunks_mut(BLOCK)) {
            let mut gates = [[0; BLOCK]; GATES];
            for (gate, z) in gates.iter_mut().enumerate() {
                let row = gate * h.len() + first;
                let rows = Products { wx: wx.from(row, x.len()), wh: wh.from(row, h.len()), x, factor, h };
                rows.arguments(s, z.get_mut(..c.len()).unwrap_or(&mut []));
            }
            let [f, g, i, o] = gates;
            let gates = f.into_iter().zip(g).zip(i.into_iter().zip(o));
            for ((h, c), ((f, g), (i, o))) in next.iter_mut().zip(c).zip(gates) {
                *c = next_c(*c, sigmoid(f), sigmoid(i), tanh(g));
                *h = next_h(*c, sigmoid(o));
            }
            first += BLOCK;
        }
    }
}

/// Rows of both matrices, and what they are multiplied with.
struct Products<'a> {
    wx: Rows<'a>,
    wh: Rows<'a>,
    x: &'a [i16],
    factor: f32,
    h: &'a [i16],
}

impl Products<'_> {
    /// z of the first rows, at most [`BLOCK`].
    #[inline(always)]
    fn arguments<S: Simd>(&self, s: S, z: &mut [i32]) {
        let (mut xs, mut hs) = ([0; BLOCK], [0; BLOCK]);
        s.dot_rows(self.wx.weights, self.x, xs.get_mut(..z.len()).unwrap_or(&mut []));
        s.dot_rows(self.wh.weights, self.h, hs.get_mut(..z.len()).unwrap_or(&mut []));
        let scales = self.wx.scales().zip(self.wh.scales()).zip(self.wh.biases());
        for ((z, (x, h)), ((x_scale, h_scale), bias)) in z.iter_mut().zip(xs.into_iter().zip(hs)).zip(scales) {
            *z = s.scaled_sums([x, h.wrapping_add(bias)], [x_scale, self.factor, h_scale]);
        }
    }
}

/// f c + i g; no sum leaves an i64.
#[inline(always)]
fn next_c(c: i32, f: i32, i: i32, g: i32) -> i32 {
    let sum = i64::from(f) * i64::from(c) + i64::from(i << FINER) * i64::from(g);
    let rounded = (sum + (1 << (OPEN_BITS - 1))) >> OPEN_BITS;
    rounded.max(i32::MIN.into()).min(i32::MAX.into()) as i32
}

/// o tanh c
#[inline(always)]
fn next_h(c: i32, o: i32) -> i16 {
    let tanh_c = tanh(c.saturating_add(1 << (FINER - 1)) >> FINER);
    ((o * tanh_c + (1 << (OPEN_BITS - 1))) >> OPEN_BITS) as i16
}

impl<B: Storage> QuantizedPredictor<'_, B, LstmCell> {
    /// The hidden state (H), 23,637 for 1, and the cell's state (H), 378,192 for 1: all that the predictor knows of
    /// what was read.
    ///
    /// ```
    /// # use rnnlm::{Config, LstmCell, Quantized, QuantizedPredictor, Rnnlm, Xorshift};
    /// # let config = Config { vocab_size: 5, wordvec_size: 3, hidden_size: 4, batch_size: 1, time_size: 2 };
    /// # let model = Rnnlm::new(config, &mut Xorshift::new(1))?;
    /// # let mut file = vec![0; Quantized::<LstmCell>::encoded_len_as(config, 0)?];
    /// # Quantized::write(&model.weights(), "", &mut file)?;
    /// let mut predictor = QuantizedPredictor::new(Quantized::<LstmCell>::read_as(&file)?)?;
    /// predictor.feed(0)?;
    /// let (h, c) = predictor.state();
    /// let (h, c) = (h.to_vec(), c.to_vec());
    /// let after_1 = predictor.feed(1)?.to_vec();
    /// predictor.set_state(&h, &c)?;
    /// assert_eq!(predictor.feed(1)?, after_1);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn state(&self) -> (&[i16], &[i32]) {
        let (hidden, floats) = (self.weights.config.hidden_size, self.buffer.as_ref());
        let (h, c) = floats.split_at_checked(hidden.div_ceil(2)).unwrap_or_default();
        (as_halves(h).get(..hidden).unwrap_or(&[]), as_integers(c).get(..hidden).unwrap_or(&[]))
    }

    /// Sets both states (H each): those of [`Self::state`]. What of `h` lies beyond 23,637 either way counts as that.
    ///
    /// # Errors
    /// [`StepError::Length`] for a slice of another length.
    pub fn set_state(&mut self, h: &[i16], c: &[i32]) -> Result<(), StepError> {
        let needed = self.weights.config.hidden_size;
        for given in [h.len(), c.len()] {
            if given != needed {
                return Err(StepError::Length { needed, given });
            }
        }
        let halves = self.buffer.as_mut().split_at_mut_checked(needed.div_ceil(2));
        let (own_h, own_c) = halves.ok_or(StepError::OtherSizes)?;
        set_hidden(as_halves_mut(own_h), h);
        as_integers_mut(own_c).iter_mut().zip(c).for_each(|(own, &x)| *own = x);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
