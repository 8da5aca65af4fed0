//! rust-lstm: its LSTM cell and its linear layer, in f64 and with one column per row of text. It has neither an
//! embedding nor a loss on token ids: these are by hand, and so is the update, since its optimizers would train its
//! second bias too.

use ndarray_0_15::{Array2, Axis, concatenate, s};
use rust_lstm::layers::{
    linear::LinearLayer,
    lstm_cell::{LSTMCell, LSTMCellCache},
};

use crate::{
    Failure,
    peer::Step,
    workload::{LEARNING_RATE, Start, Window, Workload},
};

/// Where its gates i, f, g, o are among f, g, i, o, and the other way round.
const TO_ITS_ORDER: [usize; 4] = [2, 0, 1, 3];
const FROM_ITS_ORDER: [usize; 4] = [1, 2, 0, 3];

pub struct RustLstm {
    sizes: Workload,
    /// (V,D)
    embed_w: Array2<f64>,
    cell: LSTMCell,
    affine: LinearLayer,
    h: Array2<f64>,
    c: Array2<f64>,
}

impl RustLstm {
    pub fn new(start: &Start) -> Result<Self, Failure> {
        let sizes = start.workload;
        let parts = sizes.split(&start.weights);
        let mut matrices = Vec::new();
        for (shape, part) in sizes.shapes().into_iter().zip(parts) {
            matrices.push(Array2::from_shape_vec(shape, part.iter().map(|&w| f64::from(w)).collect())?);
        }
        let [embed_w, wx, wh, b, affine_w, affine_b]: [Array2<f64>; 6] = matrices.try_into().expect("six shapes");
        let mut cell = LSTMCell::new(sizes.d, sizes.h);
        cell.w_ih = in_gate_order(&wx.reversed_axes(), TO_ITS_ORDER);
        cell.w_hh = in_gate_order(&wh.reversed_axes(), TO_ITS_ORDER);
        cell.b_ih = in_gate_order(&b.reversed_axes(), TO_ITS_ORDER);
        let affine = LinearLayer::from_weights(standard(&affine_w.t()), standard(&affine_b.t()));
        let state = || Array2::zeros((sizes.h, sizes.n));
        Ok(Self { sizes, embed_w, cell, affine, h: state(), c: state() })
    }
}

impl Step for RustLstm {
    fn step(&mut self, window: &Window) -> Result<f32, Failure> {
        let Workload { n, t, h: hidden, .. } = self.sizes;
        let [xs, ts] = window.time_major.each_ref().map(|ids| ids.iter().map(|&id| id as usize).collect::<Vec<_>>());
        let rate = f64::from(LEARNING_RATE);

        let mut caches: Vec<LSTMCellCache> = Vec::with_capacity(t);
        for xs in xs.chunks_exact(n) {
            let x = standard(&self.embed_w.select(Axis(0), xs).t());
            let (h, c, cache) = self.cell.forward_with_cache(&x, &self.h, &self.c);
            (self.h, self.c) = (h, c);
            caches.push(cache);
        }
        let states: Vec<_> = caches.iter().map(|cache| cache.hy.view()).collect();
        let mut logits = self.affine.forward(&concatenate(Axis(1), &states)?);
        let mut loss = 0.0;
        for (mut column, &target) in logits.columns_mut().into_iter().zip(&ts) {
            let max = column.fold(f64::NEG_INFINITY, |max, &x| max.max(x));
            let of_target = column[target] - max;
            column.mapv_inplace(|x| (x - max).exp());
            let sum = column.sum();
            loss += sum.ln() - of_target;
            column /= sum * (n * t) as f64;
            column[target] -= 1.0 / (n * t) as f64;
        }

        let (of_affine, dh_above) = self.affine.backward(&logits);
        let mut gradients = self.cell.zero_gradients();
        let (mut dh, mut dc) = (Array2::zeros((hidden, n)), Array2::zeros((hidden, n)));
        let mut dxs = Vec::with_capacity(t);
        for (time, cache) in caches.iter().enumerate().rev() {
            dh += &dh_above.slice(s![.., time * n..(time + 1) * n]);
            let (of_step, dx, dh_before, dc_before) = self.cell.backward(&dh, &dc, cache);
            gradients.accumulate(&of_step);
            dxs.push((time, dx));
            (dh, dc) = (dh_before, dc_before);
        }
        self.affine.weight.scaled_add(-rate, &of_affine.weight);
        self.affine.bias.scaled_add(-rate, &of_affine.bias);
        self.cell.w_ih.scaled_add(-rate, &gradients.w_ih);
        self.cell.w_hh.scaled_add(-rate, &gradients.w_hh);
        self.cell.b_ih.scaled_add(-rate, &gradients.b_ih);
        for (time, dx) in dxs {
            for (&id, dx) in xs[time * n..].iter().zip(dx.columns()) {
                self.embed_w.row_mut(id).scaled_add(-rate, &dx);
            }
        }
        Ok((loss / (n * t) as f64) as f32)
    }

    fn weights(&mut self) -> Result<Vec<f32>, Failure> {
        let ours = |w: &Array2<f64>| standard(&in_gate_order(w, FROM_ITS_ORDER).t());
        let Self { embed_w, cell, affine, .. } = self;
        let matrices = [
            embed_w.clone(),
            ours(&cell.w_ih),
            ours(&cell.w_hh),
            ours(&cell.b_ih),
            standard(&affine.weight.t()),
            standard(&affine.bias.t()),
        ];
        Ok(matrices.iter().flatten().map(|&w| w as f32).collect())
    }
}

/// Rows of four gates in another order.
fn in_gate_order(w: &Array2<f64>, order: [usize; 4]) -> Array2<f64> {
    let hidden = w.nrows() / 4;
    w.select(Axis(0), &order.map(|gate| (gate * hidden..(gate + 1) * hidden).collect::<Vec<_>>()).concat())
}

/// Row-major, as its layers have their matrices.
fn standard(w: &ndarray_0_15::ArrayView2<f64>) -> Array2<f64> {
    w.as_standard_layout().into_owned()
}
