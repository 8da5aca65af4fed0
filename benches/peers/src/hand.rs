//! The step written by hand over the matrix product of a crate: all buffers allocated once, activations time-major,
//! one product per weight, and the weight updates as the end of their products. What a careful user would write.

use crate::{
    Failure,
    multiply::{Multiply, Operand},
    peer::Step,
    workload::{LEARNING_RATE, Start, Window, Workload},
};

/// Embedding, output layer and weights, whichever cell stands between; the cell has its own buffers.
pub struct Layers {
    pub sizes: Workload,
    pub multiply: Multiply,
    embed_w: Vec<f32>,
    wx: Vec<f32>,
    pub wh: Vec<f32>,
    b: Vec<f32>,
    affine_w: Vec<f32>,
    affine_b: Vec<f32>,
    /// (TN,D) word vectors, and their gradients
    x: Vec<f32>,
    dx: Vec<f32>,
    /// (TN,V) logits, then their gradients
    logits: Vec<f32>,
}

impl Layers {
    pub fn new(start: &Start, multiply: Multiply) -> Self {
        let sizes = start.workload;
        let [embed_w, wx, wh, b, affine_w, affine_b] = sizes.split(&start.weights).map(<[f32]>::to_vec);
        let zeros = |cols: usize| vec![0.0; sizes.rows() * cols];
        let (x, dx, logits) = (zeros(sizes.d), zeros(sizes.d), zeros(sizes.v));
        Self { sizes, multiply, embed_w, wx, wh, b, affine_w, affine_b, x, dx, logits }
    }

    /// z = x Wx + b
    pub fn inputs(&mut self, xs: &[u32], z: &mut [f32]) {
        let Self { sizes: Workload { d, .. }, multiply, embed_w, wx, b, x, .. } = self;
        for (row, &id) in x.chunks_exact_mut(*d).zip(xs) {
            row.copy_from_slice(&embed_w[id as usize * *d..][..*d]);
        }
        z.chunks_exact_mut(b.len()).for_each(|row| row.copy_from_slice(b));
        multiply(1.0, Operand::new(x, *d), Operand::new(wx, b.len()), 1.0, z);
    }

    /// The loss of hidden states, and in dh its gradient; the output layer is updated.
    pub fn output(&mut self, h: &[f32], ts: &[u32], dh: &mut [f32]) -> f32 {
        let Self { sizes: Workload { v, h: hidden, .. }, multiply, affine_w, affine_b, logits, .. } = self;
        // logits = h affine.W + affine.b, then their gradient
        logits.chunks_exact_mut(*v).for_each(|row| row.copy_from_slice(affine_b));
        multiply(1.0, Operand::new(h, *hidden), Operand::new(affine_w, *v), 1.0, logits);
        let loss = softmax_with_loss(logits, *v, ts);

        // dh = dlogits affine.W', before affine.W moves
        multiply(1.0, Operand::new(logits, *v), Operand::new(affine_w, *v).t(), 0.0, dh);
        multiply(-LEARNING_RATE, Operand::new(h, *hidden).t(), Operand::new(logits, *v), 1.0, affine_w);
        logits.chunks_exact(*v).for_each(|row| descend(affine_b, row));
        loss
    }

    /// Updates the other weights by dz; each row of `h_before` is the hidden state that went into that row of z.
    pub fn update(&mut self, xs: &[u32], h_before: &[f32], dz: &[f32]) {
        let Self { sizes: Workload { d, h: hidden, .. }, multiply, embed_w, wx, wh, b, x, dx, .. } = self;
        let columns = b.len();
        dz.chunks_exact(columns).for_each(|row| descend(b, row));
        let dz = Operand::new(dz, columns);
        multiply(-LEARNING_RATE, Operand::new(h_before, *hidden).t(), dz, 1.0, wh);
        multiply(1.0, dz, Operand::new(wx, columns).t(), 0.0, dx);
        multiply(-LEARNING_RATE, Operand::new(x, *d).t(), dz, 1.0, wx);
        for (row, &id) in dx.chunks_exact(*d).zip(xs) {
            descend(&mut embed_w[id as usize * *d..][..*d], row);
        }
    }

    /// In the order of [`Workload::shapes`].
    pub fn weights(&self) -> Vec<f32> {
        [&self.embed_w, &self.wx, &self.wh, &self.b, &self.affine_w, &self.affine_b].map(Vec::as_slice).concat()
    }
}

/// With the tanh cell.
pub struct Hand {
    layers: Layers,
    /// ((T+1)N,H) hidden states, the carried one first
    h: Vec<f32>,
    /// (TN,H) gradients of the hidden states, then of what goes into tanh
    dz: Vec<f32>,
}

impl Hand {
    pub fn new(start: &Start, multiply: Multiply) -> Self {
        let sizes = start.workload;
        let zeros = |rows: usize| vec![0.0; rows * sizes.h];
        Self { layers: Layers::new(start, multiply), h: zeros(sizes.rows() + sizes.n), dz: zeros(sizes.rows()) }
    }
}

impl Step for Hand {
    fn step(&mut self, window: &Window) -> Result<f32, Failure> {
        let Self { layers, h, dz } = self;
        let Workload { h: hidden, n, t, .. } = layers.sizes;
        let (multiply, block) = (layers.multiply, n * hidden);
        let [xs, ts] = &window.time_major;

        // h_t = tanh(x_t Wx + b + h_{t-1} Wh)
        h.copy_within(t * block.., 0);
        layers.inputs(xs, &mut h[block..]);
        let wh = Operand::new(&layers.wh, hidden);
        for time in 1..=t {
            let (before, after) = h.split_at_mut(time * block);
            let (before, after) = (&before[(time - 1) * block..], &mut after[..block]);
            multiply(1.0, Operand::new(before, hidden), wh, 1.0, after);
            after.iter_mut().for_each(|z| *z = z.tanh());
        }
        let current = &h[block..];
        let loss = layers.output(current, ts, dz);

        // dz_t = (dh_t + dz_{t+1} Wh') (1 - h_t^2)
        let wh = Operand::new(&layers.wh, hidden).t();
        for time in (0..t).rev() {
            let (before, after) = dz.split_at_mut((time + 1) * block);
            let dz_t = &mut before[time * block..];
            if let Some(next) = after.get(..block) {
                multiply(1.0, Operand::new(next, hidden), wh, 1.0, dz_t);
            }
            for (dz, h) in dz_t.iter_mut().zip(&current[time * block..]) {
                *dz *= 1.0 - h * h;
            }
        }
        layers.update(xs, &h[..t * block], dz);
        Ok(loss)
    }

    fn weights(&mut self) -> Result<Vec<f32>, Failure> {
        Ok(self.layers.weights())
    }
}

/// Turns logits into their gradient (softmax - one-hot) / rows; gives the mean loss.
fn softmax_with_loss(logits: &mut [f32], v: usize, ts: &[u32]) -> f32 {
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
fn descend(w: &mut [f32], g: &[f32]) {
    w.iter_mut().zip(g).for_each(|(w, g)| *w -= LEARNING_RATE * g);
}
