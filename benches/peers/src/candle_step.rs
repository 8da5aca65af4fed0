//! candle: tensors with automatic differentiation, and candle-nn's loss and SGD.

use candle_core::{Device::Cpu, Tensor, Var};
use candle_nn::{Optimizer, SGD, loss::cross_entropy};

use crate::{
    Failure,
    peer::Step,
    workload::{LEARNING_RATE, Start, Window, Workload},
};

pub struct Candle {
    sizes: Workload,
    /// In the order of [`Workload::shapes`].
    weights: [Var; 6],
    h: Tensor,
    sgd: SGD,
}

impl Candle {
    pub fn new(start: &Start) -> Result<Self, Failure> {
        let sizes = start.workload;
        let mut weights = Vec::new();
        for ([rows, cols], part) in sizes.shapes().into_iter().zip(sizes.split(&start.weights)) {
            weights.push(Var::from_slice(part, (rows, cols), &Cpu)?);
        }
        let sgd = SGD::new(weights.clone(), LEARNING_RATE.into())?;
        let weights = weights.try_into().expect("six shapes");
        let h = Tensor::zeros((sizes.n, sizes.h), candle_core::DType::F32, &Cpu)?;
        Ok(Self { sizes, weights, h, sgd })
    }
}

impl Step for Candle {
    fn step(&mut self, window: &Window) -> Result<f32, Failure> {
        let Workload { n, t, .. } = self.sizes;
        let [embed_w, wx, wh, b, affine_w, affine_b] = &self.weights;
        let [xs, ts] = &window.time_major;
        let (xs, ts) = (Tensor::from_slice(xs, n * t, &Cpu)?, Tensor::from_slice(ts, n * t, &Cpu)?);

        let z = embed_w.index_select(&xs, 0)?.matmul(wx)?.broadcast_add(b)?;
        let mut states = Vec::with_capacity(t);
        let mut h = self.h.clone();
        for time in 0..t {
            h = (z.narrow(0, time * n, n)? + h.matmul(wh)?)?.tanh()?;
            states.push(h.clone());
        }
        self.h = h.detach();
        let logits = Tensor::cat(&states, 0)?.matmul(affine_w)?.broadcast_add(affine_b)?;
        let loss = cross_entropy(&logits, &ts)?;
        self.sgd.backward_step(&loss)?;
        Ok(loss.to_scalar()?)
    }

    fn weights(&mut self) -> Result<Vec<f32>, Failure> {
        let mut all = Vec::new();
        for weight in &self.weights {
            all.extend(weight.flatten_all()?.to_vec1::<f32>()?);
        }
        Ok(all)
    }
}
