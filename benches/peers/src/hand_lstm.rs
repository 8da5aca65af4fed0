//! [`Hand`](crate::hand::Hand) with an LSTM: one product for the four gates, whose columns are f, g, i, o.

use crate::{
    Failure,
    hand::{descend, softmax_with_loss},
    multiply::{Multiply, Operand},
    peer::Step,
    workload::{LEARNING_RATE, Start, Window, Workload},
};

pub struct HandLstm {
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
    /// ((T+1)N,H) hidden states and cell states, the carried ones first
    h: Vec<f32>,
    c: Vec<f32>,
    tanh_c: Vec<f32>,
    /// (TN,4H) what goes into the gates, then the gates, then its gradients
    z: Vec<f32>,
    /// (TN,H) gradients of the hidden states
    dh: Vec<f32>,
    /// (N,H) gradient of a step's cell states
    dc: Vec<f32>,
    /// (TN,V) logits, then their gradients
    logits: Vec<f32>,
}

impl HandLstm {
    pub fn new(start: &Start, multiply: Multiply) -> Self {
        let sizes = start.workload;
        let [embed_w, wx, wh, b, affine_w, affine_b] = sizes.split(&start.weights).map(<[f32]>::to_vec);
        let zeros = |rows: usize, cols: usize| vec![0.0; rows * cols];
        let rows = sizes.rows();
        Self {
            sizes,
            multiply,
            embed_w,
            wx,
            wh,
            b,
            affine_w,
            affine_b,
            x: zeros(rows, sizes.d),
            dx: zeros(rows, sizes.d),
            h: zeros(rows + sizes.n, sizes.h),
            c: zeros(rows + sizes.n, sizes.h),
            tanh_c: zeros(rows, sizes.h),
            z: zeros(rows, 4 * sizes.h),
            dh: zeros(rows, sizes.h),
            dc: zeros(sizes.n, sizes.h),
            logits: zeros(rows, sizes.v),
        }
    }
}

impl Step for HandLstm {
    fn step(&mut self, window: &Window) -> Result<f32, Failure> {
        let Self { sizes, multiply, embed_w, wx, wh, b, affine_w, affine_b, x, dx, h, c, tanh_c, z, dh, dc, logits } =
            self;
        let &mut Workload { v, d, h: hidden, n, t, .. } = sizes;
        let [xs, ts] = &window.time_major;
        let (block, columns) = (n * hidden, 4 * hidden);
        let rate = LEARNING_RATE;

        // z_t = x_t Wx + b + h_{t-1} Wh
        for (row, &id) in x.chunks_exact_mut(d).zip(xs) {
            row.copy_from_slice(&embed_w[id as usize * d..][..d]);
        }
        h.copy_within(t * block.., 0);
        c.copy_within(t * block.., 0);
        z.chunks_exact_mut(columns).for_each(|row| row.copy_from_slice(b));
        multiply(1.0, Operand::new(x, d), Operand::new(wx, columns), 1.0, z);
        for time in 0..t {
            let (before, after) = h.split_at_mut((time + 1) * block);
            let z = &mut z[4 * time * block..][..4 * block];
            multiply(1.0, Operand::new(&before[time * block..], hidden), Operand::new(wh, columns), 1.0, z);
            let (c_before, c) = c.split_at_mut((time + 1) * block);
            let (rows, tanh_c) = (z.chunks_exact_mut(columns), tanh_c[time * block..].chunks_exact_mut(hidden));
            let (c, h) = (c.chunks_exact_mut(hidden), after.chunks_exact_mut(hidden));
            let c_before = c_before[time * block..].chunks_exact(hidden);
            for ((((z, c_before), c), tanh_c), h) in rows.zip(c_before).zip(c).zip(tanh_c).zip(h) {
                gates(z, c_before, c, tanh_c, h);
            }
        }
        let current = &h[block..];

        // logits = h affine.W + affine.b, then their gradient
        logits.chunks_exact_mut(v).for_each(|row| row.copy_from_slice(affine_b));
        multiply(1.0, Operand::new(current, hidden), Operand::new(affine_w, v), 1.0, logits);
        let loss = softmax_with_loss(logits, v, ts);

        // dh = dlogits affine.W', before affine.W moves
        multiply(1.0, Operand::new(logits, v), Operand::new(affine_w, v).t(), 0.0, dh);
        multiply(-rate, Operand::new(current, hidden).t(), Operand::new(logits, v), 1.0, affine_w);
        logits.chunks_exact(v).for_each(|row| descend(affine_b, rate, row));

        // dh_t += dz_{t+1} Wh', then dz_t
        dc.fill(0.0);
        for time in (0..t).rev() {
            let (before, after) = z.split_at_mut(4 * (time + 1) * block);
            let dh = &mut dh[time * block..][..block];
            if let Some(next) = after.get(..4 * block) {
                multiply(1.0, Operand::new(next, columns), Operand::new(wh, columns).t(), 1.0, dh);
            }
            let rows = before[4 * time * block..].chunks_exact_mut(columns).zip(dh.chunks_exact(hidden));
            let cells = c[time * block..].chunks_exact(hidden).zip(tanh_c[time * block..].chunks_exact(hidden));
            for (((z, dh), (c_before, tanh_c)), dc) in rows.zip(cells).zip(dc.chunks_exact_mut(hidden)) {
                gate_gradients(z, dh, c_before, tanh_c, dc);
            }
        }
        let dz = z;
        dz.chunks_exact(columns).for_each(|row| descend(b, rate, row));
        let dz = Operand::new(dz, columns);
        multiply(-rate, Operand::new(&h[..t * block], hidden).t(), dz, 1.0, wh);
        multiply(1.0, dz, Operand::new(wx, columns).t(), 0.0, dx);
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

/// z (4H) becomes the gates; c = f c_before + g i, h = o tanh c.
fn gates(z: &mut [f32], c_before: &[f32], c: &mut [f32], tanh_c: &mut [f32], h: &mut [f32]) {
    let sigmoid = |x: f32| 1.0 / (1.0 + (-x).exp());
    let hidden = h.len();
    let [f, g, i, o] = quarters(z);
    let (c_before, c, tanh_c) = (&c_before[..hidden], &mut c[..hidden], &mut tanh_c[..hidden]);
    for at in 0..hidden {
        f[at] = sigmoid(f[at]);
        g[at] = g[at].tanh();
        i[at] = sigmoid(i[at]);
        o[at] = sigmoid(o[at]);
        c[at] = f[at] * c_before[at] + g[at] * i[at];
        tanh_c[at] = c[at].tanh();
        h[at] = o[at] * tanh_c[at];
    }
}

/// The gates (4H) become dz; dc, the gradient that the step behind hands to c, becomes that for the step before.
fn gate_gradients(z: &mut [f32], dh: &[f32], c_before: &[f32], tanh_c: &[f32], dc: &mut [f32]) {
    let hidden = dh.len();
    let [f, g, i, o] = quarters(z);
    let (c_before, tanh_c, dc) = (&c_before[..hidden], &tanh_c[..hidden], &mut dc[..hidden]);
    for at in 0..hidden {
        let d_c = dc[at] + dh[at] * o[at] * (1.0 - tanh_c[at] * tanh_c[at]);
        dc[at] = d_c * f[at];
        let (candidate, input) = (g[at], i[at]);
        f[at] = d_c * c_before[at] * f[at] * (1.0 - f[at]);
        g[at] = d_c * input * (1.0 - candidate * candidate);
        i[at] = d_c * candidate * input * (1.0 - input);
        o[at] = dh[at] * tanh_c[at] * o[at] * (1.0 - o[at]);
    }
}

/// f, g, i, o.
fn quarters(z: &mut [f32]) -> [&mut [f32]; 4] {
    let (f, rest) = z.split_at_mut(z.len() / 4);
    let (g, rest) = rest.split_at_mut(f.len());
    let (i, o) = rest.split_at_mut(f.len());
    [f, g, i, o]
}
