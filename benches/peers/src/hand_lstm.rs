//! [`Hand`](crate::hand::Hand) with an LSTM: one product for the four gates, whose columns are f, g, i, o.

use crate::{
    Failure,
    hand::Layers,
    multiply::{Multiply, Operand},
    peer::Step,
    workload::{Start, Window, Workload},
};

pub struct HandLstm {
    layers: Layers,
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
}

impl HandLstm {
    pub fn new(start: &Start, multiply: Multiply) -> Self {
        let sizes = start.workload;
        let zeros = |rows: usize| vec![0.0; rows * sizes.h];
        let rows = sizes.rows();
        Self {
            layers: Layers::new(start, multiply),
            h: zeros(rows + sizes.n),
            c: zeros(rows + sizes.n),
            tanh_c: zeros(rows),
            z: zeros(4 * rows),
            dh: zeros(rows),
            dc: zeros(sizes.n),
        }
    }
}

impl Step for HandLstm {
    fn step(&mut self, window: &Window) -> Result<f32, Failure> {
        let Self { layers, h, c, tanh_c, z, dh, dc } = self;
        let Workload { h: hidden, n, t, .. } = layers.sizes;
        let (multiply, block, columns) = (layers.multiply, n * hidden, 4 * hidden);
        let [xs, ts] = &window.time_major;

        // z_t = x_t Wx + b + h_{t-1} Wh
        h.copy_within(t * block.., 0);
        c.copy_within(t * block.., 0);
        layers.inputs(xs, z);
        let wh = Operand::new(&layers.wh, columns);
        for time in 0..t {
            let (before, after) = h.split_at_mut((time + 1) * block);
            let z = &mut z[4 * time * block..][..4 * block];
            multiply(1.0, Operand::new(&before[time * block..], hidden), wh, 1.0, z);
            let (c_before, c) = c.split_at_mut((time + 1) * block);
            let (rows, tanh_c) = (z.chunks_exact_mut(columns), tanh_c[time * block..].chunks_exact_mut(hidden));
            let (c, h) = (c.chunks_exact_mut(hidden), after.chunks_exact_mut(hidden));
            let c_before = c_before[time * block..].chunks_exact(hidden);
            for ((((z, c_before), c), tanh_c), h) in rows.zip(c_before).zip(c).zip(tanh_c).zip(h) {
                Gates { z, c_before, c, tanh_c, h }.forward();
            }
        }
        let loss = layers.output(&h[block..], ts, dh);

        // dh_t += dz_{t+1} Wh', then dz_t
        dc.fill(0.0);
        let wh = Operand::new(&layers.wh, columns).t();
        for time in (0..t).rev() {
            let (before, after) = z.split_at_mut(4 * (time + 1) * block);
            let dh = &mut dh[time * block..][..block];
            if let Some(next) = after.get(..4 * block) {
                multiply(1.0, Operand::new(next, columns), wh, 1.0, dh);
            }
            let rows = before[4 * time * block..].chunks_exact_mut(columns).zip(dh.chunks_exact(hidden));
            let cells = c[time * block..].chunks_exact(hidden).zip(tanh_c[time * block..].chunks_exact(hidden));
            for (((z, dh), (c_before, tanh_c)), dc) in rows.zip(cells).zip(dc.chunks_exact_mut(hidden)) {
                GateGradients { z, dh, c_before, tanh_c, dc }.backward();
            }
        }
        layers.update(xs, &h[..t * block], z);
        Ok(loss)
    }

    fn weights(&mut self) -> Result<Vec<f32>, Failure> {
        Ok(self.layers.weights())
    }
}

/// One row of a step: z (4H), all others (H).
struct Gates<'r> {
    z: &'r mut [f32],
    c_before: &'r [f32],
    c: &'r mut [f32],
    tanh_c: &'r mut [f32],
    h: &'r mut [f32],
}

impl Gates<'_> {
    /// z becomes the gates; c = f c_before + g i, h = o tanh c.
    fn forward(self) {
        let Self { z, c_before, c, tanh_c, h } = self;
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
}

/// The same row on the way back: z holds the gates (4H), all others (H).
struct GateGradients<'r> {
    z: &'r mut [f32],
    dh: &'r [f32],
    c_before: &'r [f32],
    tanh_c: &'r [f32],
    dc: &'r mut [f32],
}

impl GateGradients<'_> {
    /// The gates become dz; dc, the gradient that the step behind hands to c, becomes that for the step before.
    fn backward(self) {
        let Self { z, dh, c_before, tanh_c, dc } = self;
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
}

/// f, g, i, o.
fn quarters(z: &mut [f32]) -> [&mut [f32]; 4] {
    let (f, rest) = z.split_at_mut(z.len() / 4);
    let (g, rest) = rest.split_at_mut(f.len());
    let (i, o) = rest.split_at_mut(f.len());
    [f, g, i, o]
}
