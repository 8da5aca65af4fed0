//! burn on its flex backend: tensors with automatic differentiation, updated by hand.

use burn::tensor::{Device, Int, Tensor, TensorData, activation::log_softmax};

use crate::{
    Failure,
    peer::Step,
    workload::{LEARNING_RATE, Start, Window, Workload},
};

pub struct Burn {
    sizes: Workload,
    device: Device,
    /// In the order of [`Workload::shapes`].
    weights: [Tensor<2>; 6],
    h: Tensor<2>,
}

impl Burn {
    pub fn new(start: &Start) -> Self {
        let sizes = start.workload;
        let device = Device::flex().autodiff();
        let parts = sizes.split(&start.weights);
        let weights = std::array::from_fn(|i| {
            Tensor::from_data(TensorData::new(parts[i].to_vec(), sizes.shapes()[i]), &device).require_grad()
        });
        let h = Tensor::zeros([sizes.n, sizes.h], &device);
        Self { sizes, device, weights, h }
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
        let mut states = Vec::with_capacity(t);
        let mut h = self.h.clone();
        for time in 0..t {
            h = (z.clone().narrow(0, time * n, n) + h.matmul(wh.clone())).tanh();
            states.push(h.clone());
        }
        self.h = h.detach();
        let logits = Tensor::cat(states, 0).matmul(affine_w) + affine_b;
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
