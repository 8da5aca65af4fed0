//! burn on its flex backend: tensors with automatic differentiation, updated by hand.

use burn::tensor::{
    Device, Int, Tensor, TensorData,
    activation::{log_softmax, sigmoid},
};

use crate::{
    Failure,
    peer::Step,
    workload::{Cell, LEARNING_RATE, Start, Window, Workload},
};

pub struct Burn {
    sizes: Workload,
    device: Device,
    /// In the order of [`Workload::shapes`].
    weights: [Tensor<2>; 6],
    h: Tensor<2>,
    /// Of an LSTM.
    c: Tensor<2>,
}

impl Burn {
    pub fn new(start: &Start) -> Self {
        let sizes = start.workload;
        let device = Device::flex().autodiff();
        let parts = sizes.split(&start.weights);
        let weights = std::array::from_fn(|i| {
            Tensor::from_data(TensorData::new(parts[i].to_vec(), sizes.shapes()[i]), &device).require_grad()
        });
        let zeros = || Tensor::zeros([sizes.n, sizes.h], &device);
        let (h, c) = (zeros(), zeros());
        Self { sizes, device, weights, h, c }
    }

    /// The hidden states of a window, of z = x Wx + b; the last ones are carried.
    fn states(&mut self, z: &Tensor<2>, wh: &Tensor<2>) -> Vec<Tensor<2>> {
        let Workload { n, t, h: hidden, cell, .. } = self.sizes;
        let (mut h, mut c) = (self.h.clone(), self.c.clone());
        let mut states = Vec::with_capacity(t);
        for time in 0..t {
            let z = z.clone().narrow(0, time * n, n) + h.matmul(wh.clone());
            h = match cell {
                Cell::Tanh => z.tanh(),
                Cell::Lstm => {
                    let [f, g, i, o] = [0, 1, 2, 3].map(|gate| z.clone().narrow(1, gate * hidden, hidden));
                    c = sigmoid(f) * c + g.tanh() * sigmoid(i);
                    sigmoid(o) * c.clone().tanh()
                }
            };
            states.push(h.clone());
        }
        (self.h, self.c) = (h.detach(), c.detach());
        states
    }
}

impl Step for Burn {
    fn step(&mut self, window: &Window) -> Result<f32, Failure> {
        let Workload { n, t, .. } = self.sizes;
        let ids = |ids: &[u32]| {
            let ids: Vec<i32> = ids.iter().map(|&id| id as i32).collect();
            Tensor::<1, Int>::from_data(TensorData::new(ids, [n * t]), &self.device)
        };
        let [xs, ts] = window.time_major.each_ref().map(|list| ids(list));
        let [embed_w, wx, wh, b, affine_w, affine_b] = self.weights.clone();

        let z = embed_w.select(0, xs).matmul(wx) + b;
        let logits = Tensor::cat(self.states(&z, &wh), 0).matmul(affine_w) + affine_b;
        let loss = log_softmax(logits, 1).gather(1, ts.reshape([n * t, 1])).mean().neg();
        let mut gradients = loss.backward();
        for weight in &mut self.weights {
            let gradient = weight.grad_remove(&mut gradients).ok_or("burn: a weight without a gradient")?;
            *weight = Tensor::from_inner(weight.clone().inner() - gradient.mul_scalar(LEARNING_RATE)).require_grad();
        }
        Ok(loss.into_scalar())
    }

    fn weights(&mut self) -> Result<Vec<f32>, Failure> {
        let mut all = Vec::new();
        for weight in &self.weights {
            all.extend(weight.to_data().try_to_vec::<f32>().map_err(|error| format!("{error:?}"))?);
        }
        Ok(all)
    }
}
