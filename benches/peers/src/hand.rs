//! The step written by hand over the matrix product of a crate: all buffers allocated once, activations time-major,
//! one product per weight, and the weight updates as the end of their products. What a careful user would write.

use crate::{
    Failure,
    multiply::{Multiply, Operand},
    peer::Step,
    workload::{LEARNING_RATE, Start, Window, Workload},
};

pub struct Hand {
    sizes: Workload,
    multiply: Multiply,
    embed_w: Vec<f32>,
    wx: Vec<f32>,
    wh: Vec<f32>,
    b: Vec<f32>,
    affine_w: Vec<f32>,
    affine_b: Vec<f32>,
    /// (TN,D) word vectors, and their gradients
    x: Vec<f32>,
    dx: Vec<f32>,
    /// ((T+1)N,H) hidden states, the carried one first
    h: Vec<f32>,
    /// (TN,H) gradients of the hidden states, then of what goes into tanh
    dz: Vec<f32>,
    /// (TN,V) logits, then their gradients
    logits: Vec<f32>,
}

impl Hand {
    pub fn new(start: &Start, multiply: Multiply) -> Self {
        let sizes = start.workload;
        let [embed_w, wx, wh, b, affine_w, affine_b] = sizes.split(&start.weights).map(<[f32]>::to_vec);
        let zeros = |rows: usize, cols: usize| vec![0.0; rows * cols];
        Self {
            sizes,
            multiply,
            embed_w,
            wx,
            wh,
            b,
            affine_w,
            affine_b,
            x: zeros(sizes.rows(), sizes.d),
            dx: zeros(sizes.rows(), sizes.d),
            h: zeros(sizes.rows() + sizes.n, sizes.h),
            dz: zeros(sizes.rows(), sizes.h),
            logits: zeros(sizes.rows(), sizes.v),
        }
    }
}

impl Step for Hand {
    fn step(&mut self, window: &Window) -> Result<f32, Failure> {
        let Self { sizes, multiply, embed_w, wx, wh, b, affine_w, affine_b, x, dx, h, dz, logits } = self;
        let &mut Workload { v, d, h: hidden, n, t, .. } = sizes;
        let [xs, ts] = &window.time_major;
        let block = n * hidden;
        let rate = LEARNING_RATE;

        // h_t = tanh(x_t Wx + b + h_{t-1} Wh)
        for (row, &id) in x.chunks_exact_mut(d).zip(xs) {
            row.copy_from_slice(&embed_w[id as usize * d..][..d]);
        }
        h.copy_within(t * block.., 0);
        let (_, current) = h.split_at_mut(block);
        current.chunks_exact_mut(hidden).for_each(|row| row.copy_from_slice(b));
        multiply(1.0, Operand::new(x, d), Operand::new(wx, hidden), 1.0, current);
        for time in 1..=t {
            let (before, after) = h.split_at_mut(time * block);
            let (before, after) = (&before[(time - 1) * block..], &mut after[..block]);
            multiply(1.0, Operand::new(before, hidden), Operand::new(wh, hidden), 1.0, after);
            after.iter_mut().for_each(|z| *z = z.tanh());
        }
        let current = &h[block..];

        // logits = h affine.W + affine.b, then their gradient
        logits.chunks_exact_mut(v).for_each(|row| row.copy_from_slice(affine_b));
        multiply(1.0, Operand::new(current, hidden), Operand::new(affine_w, v), 1.0, logits);
        let loss = softmax_with_loss(logits, v, ts);

        // dh = dlogits affine.W', before affine.W moves
        multiply(1.0, Operand::new(logits, v), Operand::new(affine_w, v).t(), 0.0, dz);
        multiply(-rate, Operand::new(current, hidden).t(), Operand::new(logits, v), 1.0, affine_w);
        logits.chunks_exact(v).for_each(|row| descend(affine_b, rate, row));

        // dz_t = (dh_t + dz_{t+1} Wh') (1 - h_t^2)
        for time in (0..t).rev() {
            let (before, after) = dz.split_at_mut((time + 1) * block);
            let dz_t = &mut before[time * block..];
            if let Some(next) = after.get(..block) {
                multiply(1.0, Operand::new(next, hidden), Operand::new(wh, hidden).t(), 1.0, dz_t);
            }
            for (dz, h) in dz_t.iter_mut().zip(&current[time * block..]) {
                *dz *= 1.0 - h * h;
            }
        }
        dz.chunks_exact(hidden).for_each(|row| descend(b, rate, row));
        let dz = Operand::new(dz, hidden);
        multiply(-rate, Operand::new(&h[..t * block], hidden).t(), dz, 1.0, wh);
        multiply(1.0, dz, Operand::new(wx, hidden).t(), 0.0, dx);
        multiply(-rate, Operand::new(x, d).t(), dz, 1.0, wx);
        for (row, &id) in dx.chunks_exact(d).zip(xs) {
            descend(&mut embed_w[id as usize * d..][..d], rate, row);
        }
        Ok(loss)
    }

    fn weights(&mut self) -> Result<Vec<f32>, Failure> {
        Ok([&self.embed_w, &self.wx, &self.wh, &self.b, &self.affine_w, &self.affine_b].map(Vec::as_slice).concat())
    }
}

/// Turns logits into their gradient (softmax - one-hot) / rows; gives the mean loss.
pub fn softmax_with_loss(logits: &mut [f32], v: usize, ts: &[u32]) -> f32 {
    let per_row = 1.0 / ts.len() as f32;
    let mut loss = 0.0;
    for (row, &target) in logits.chunks_exact_mut(v).zip(ts) {
        let max = row.iter().fold(f32::NEG_INFINITY, |max, &x| if x > max { x } else { max });
        let of_target = row[target as usize] - max;
        let mut sum = 0.0;
        for x in &mut *row {
            *x = (*x - max).exp();
            sum += *x;
        }
        loss += f64::from(sum.ln() - of_target);
        let scale = per_row / sum;
        row.iter_mut().for_each(|x| *x *= scale);
        row[target as usize] -= per_row;
    }
    (loss / ts.len() as f64) as f32
}

/// w -= rate * g
pub fn descend(w: &mut [f32], rate: f32, g: &[f32]) {
    w.iter_mut().zip(g).for_each(|(w, g)| *w -= rate * g);
}
