//! The crate itself.

use rnnlm::{Isa, SimpleRnnlm};

use crate::{
    Failure,
    peer::Step,
    workload::{LEARNING_RATE, Start, Window},
};

/// Memory that starts a cache line, as [`SimpleRnnlm::with_buffers`] advises.
struct Lines {
    data: Vec<f32>,
    from: usize,
    len: usize,
}

impl Lines {
    fn new(len: usize) -> Self {
        let data = vec![0.0; len + 16];
        let from = data.as_ptr().align_offset(64).min(16);
        Self { data, from, len }
    }
}

impl AsRef<[f32]> for Lines {
    fn as_ref(&self) -> &[f32] {
        &self.data[self.from..][..self.len]
    }
}

impl AsMut<[f32]> for Lines {
    fn as_mut(&mut self) -> &mut [f32] {
        &mut self.data[self.from..][..self.len]
    }
}

pub struct Rnnlm(SimpleRnnlm<Lines>);

impl Rnnlm {
    pub fn new(start: &Start, isa: Isa) -> Result<Self, Failure> {
        let config = start.workload.config();
        let memory = config.memory()?;
        let (mut weights, workspace) = (Lines::new(memory.weights), Lines::new(memory.workspace));
        weights.as_mut().copy_from_slice(&start.weights);
        let model = SimpleRnnlm::with_buffers(config, weights, workspace)?;
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
