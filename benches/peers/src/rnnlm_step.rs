//! The crate itself.

use rnnlm::{Cell, Isa, Model, SharedWorkspace};

use crate::{
    Failure,
    pages::Pages,
    peer::Step,
    pool::Pool,
    workload::{LEARNING_RATE, Start, Window},
};

pub struct Rnnlm<C>(Model<C, Pages, SharedWorkspace<Pool, Pages, Pages>>);

impl<C: Cell> Rnnlm<C> {
    /// With `large` pages, or with memory that starts a cache line as the library's own does.
    pub fn new(start: &Start, threads: usize, isa: Isa, large: bool) -> Result<Self, Failure> {
        let config = start.workload.config();
        let memory = config.memory_of::<C>()?;
        let pages = |len| if large { Pages::zeroed(len) } else { Pages::small(len) };
        let (mut weights, workspace) = (pages(memory.weights)?, pages(memory.workspace)?);
        weights.as_mut().copy_from_slice(&start.weights);
        let model = Model::with_buffers(config, weights, workspace)?;
        let scratch = pages(config.scratch_of_workers_of::<C>(threads)?)?;
        Ok(Self(model.with_isa(isa).with_workers_in(Pool::new(threads)?, scratch)))
    }
}

impl<C: Cell> Step for Rnnlm<C> {
    fn step(&mut self, window: &Window) -> Result<f32, Failure> {
        let [xs, ts] = &window.batch_major;
        Ok(self.0.forward(xs, ts)?.sgd(LEARNING_RATE)?)
    }

    fn weights(&mut self) -> Result<Vec<f32>, Failure> {
        Ok(self.0.weights_block().to_vec())
    }
}
