//! The crate itself.

use rnnlm::{Isa, SimpleRnnlm};

use crate::{
    Failure,
    peer::Step,
    workload::{LEARNING_RATE, Start, Window},
};

pub struct Rnnlm(SimpleRnnlm<Vec<f32>>);

impl Rnnlm {
    pub fn new(start: &Start, isa: Isa) -> Result<Self, Failure> {
        let config = start.workload.config();
        let memory = config.memory()?;
        let model = SimpleRnnlm::with_buffers(config, start.weights.clone(), vec![0.0; memory.workspace])?;
        Ok(Self(model.with_isa(isa)))
    }
}

impl Step for Rnnlm {
    fn step(&mut self, window: &Window) -> Result<f32, Failure> {
        let [xs, ts] = &window.batch_major;
        Ok(self.0.forward(xs, ts)?.sgd(LEARNING_RATE)?)
    }

    fn weights(&mut self) -> Result<Vec<f32>, Failure> {
        Ok(self.0.weights_block().to_vec())
    }
}
