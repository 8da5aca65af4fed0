//! A peer: something that trains the same model on the same windows.

use std::rc::Rc;

use crate::workload::Window;
use crate::{Failure, workload::Start};

/// One who trains in this process.
pub trait Step {
    /// Forward, backward and the SGD update of every weight; the hidden state goes on to the next window. Returns the
    /// mean loss, which is that before the update.
    fn step(&mut self, window: &Window) -> Result<f32, Failure>;

    /// All weights in one block, in the order of [`crate::workload::Workload::shapes`].
    fn weights(&mut self) -> Result<Vec<f32>, Failure>;
}

/// One who trains, here or in a process of its own.
pub trait Peer {
    /// `count` steps on the next windows, `count` a multiple of [`Self::multiple`]; the loss of the last.
    fn train(&mut self, count: usize) -> Result<f32, Failure>;

    fn weights(&mut self) -> Result<Vec<f32>, Failure>;

    /// Its name with its version, where that shows only at run time.
    fn name(&self) -> Option<&str> {
        None
    }

    /// How many steps it takes per call.
    fn multiple(&self) -> usize {
        1
    }
}

/// Leads a [`Step`] over the windows.
pub struct Here<S> {
    step: S,
    start: Rc<Start>,
    next: usize,
}

impl<S: Step> Here<S> {
    pub fn new(step: S, start: Rc<Start>) -> Self {
        Self { step, start, next: 0 }
    }
}

impl<S: Step> Peer for Here<S> {
    fn train(&mut self, count: usize) -> Result<f32, Failure> {
        let mut loss = f32::NAN;
        for _ in 0..count {
            loss = self.step.step(&self.start.windows[self.next])?;
            self.next = (self.next + 1) % self.start.windows.len();
        }
        Ok(loss)
    }

    fn weights(&mut self) -> Result<Vec<f32>, Failure> {
        self.step.weights()
    }
}
