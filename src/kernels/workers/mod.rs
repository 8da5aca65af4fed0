//! Work split over the caller's workers.
//!
//! What is split are elements, rows or columns of a result, never the sum behind an element: each part computes the
//! same chains in the same order as one worker would. So how many workers there are, who takes which part and who comes
//! first doesn't show in the bits.

mod columns;
mod slices;

use core::cell::Cell;

pub(crate) use columns::{Columns, Cut, Dealt};
pub(crate) use slices::{BLOCK, fold_by, pass_by};

/// Those who compute a model together: threads, or the cores of a microcontroller. The library has none of its own: who
/// has some implements this and calls [`SimpleRnnlm::with_workers`](crate::SimpleRnnlm::with_workers). The target must
/// have atomic compare-and-swap; where it has none (Cortex-M0+, riscv32imc), one worker does all.
///
/// How it is implemented decides about speed alone: the library keeps account of which parts of a job are taken, and
/// does itself what nobody took. A `run` that calls `job` more often, less often or not at all is sound, and gives the
/// same bits.
///
/// With threads that start anew each time, which costs tens of microseconds (`examples/shared/pool.rs` has some that
/// stay):
///
/// ```
/// use rnnlm::{Config, SimpleRnnlm, Workers, Xorshift};
/// use std::thread;
///
/// struct Threads(usize);
///
/// impl Workers for Threads {
///     fn count(&self) -> usize {
///         self.0
///     }
///     fn run(&self, job: &(dyn Fn() + Sync)) {
///         thread::scope(|scope| {
///             for _ in 1..self.0 {
///                 scope.spawn(job);
///             }
///             job();
///         });
///     }
/// }
///
/// let config = Config { vocab_size: 600, wordvec_size: 64, hidden_size: 64, batch_size: 10, time_size: 10 };
/// let ids: Vec<u32> = (0..101).collect();
/// let mut one = SimpleRnnlm::new(config, &mut Xorshift::new(1))?;
/// let mut three = one.clone().with_workers(Threads(3))?;
/// one.forward(&ids[..100], &ids[1..])?.sgd(0.1)?;
/// three.forward(&ids[..100], &ids[1..])?.sgd(0.1)?;
/// assert_eq!(one.weights_block(), three.weights_block());
/// # Ok::<(), rnnlm::Error>(())
/// ```
pub trait Workers {
    /// How many calls of a job run at the same time at best: the threads, the caller's own among them. With one, a
    /// model computes as if it had no workers.
    fn count(&self) -> usize;

    /// Calls `job` on every worker, on this thread too, and returns when all calls have returned. A call returns when
    /// no part is left to take. A job never panics. A panic of this function goes through the step that it is part of,
    /// whose weights are then of no use.
    fn run(&self, job: &(dyn Fn() + Sync));

    /// The fused multiply-adds that are worth handing to a worker: work is cut into parts of at least as many, and
    /// what is less than two parts isn't cut. The default, about ten microseconds with wide vectors, suits threads that
    /// wait in a loop; a core that is always at hand may be called for less.
    fn least_work(&self) -> usize {
        1 << 20
    }
}

impl<P: Workers + ?Sized> Workers for &P {
    fn count(&self) -> usize {
        (**self).count()
    }
    fn run(&self, job: &(dyn Fn() + Sync)) {
        (**self).run(job);
    }
    fn least_work(&self) -> usize {
        (**self).least_work()
    }
}

/// Who computes: [`Alone`], for which nothing of the splitting is compiled, or [`Together`].
pub(crate) trait Team: Copy {
    const ALONE: bool;

    /// Into how many parts to cut `work` multiply-adds on so many units: 1 where splitting doesn't pay. At most `each`
    /// parts for each worker.
    fn parts(self, work: usize, units: usize, each: usize) -> usize;

    /// Has `job` called by all workers, each call with scratch of its own: `own`, or as much elsewhere. What they leave
    /// of it is done here.
    fn run(self, own: &mut [f32], job: &(dyn Fn(&mut [f32]) + Sync));
}

/// The thread that calls.
#[derive(Clone, Copy)]
pub(crate) struct Alone;

impl Team for Alone {
    const ALONE: bool = true;

    #[inline(always)]
    fn parts(self, _: usize, _: usize, _: usize) -> usize {
        1
    }
    #[inline(always)]
    fn run(self, own: &mut [f32], job: &(dyn Fn(&mut [f32]) + Sync)) {
        job(own);
    }
}

/// The caller's workers.
#[derive(Clone, Copy)]
pub(crate) struct Together<'t, 's> {
    pub(crate) workers: &'t dyn Workers,
    /// Scratch for each worker but one. Taken out while it is in use.
    pub(crate) scratch: &'t Cell<&'s mut [f32]>,
}

impl Team for Together<'_, '_> {
    const ALONE: bool = false;

    fn parts(self, work: usize, units: usize, each: usize) -> usize {
        let worth = work.checked_div(self.workers.least_work()).unwrap_or(work);
        let most = self.workers.count().saturating_mul(each);
        worth.min(units).min(most).max(1)
    }

    fn run(self, own: &mut [f32], job: &(dyn Fn(&mut [f32]) + Sync)) {
        let (len, others) = (own.len(), self.scratch.take());
        if let Some(more) = others.len().checked_div(len) {
            let piece = |data, pieces| {
                let width = len.saturating_mul(pieces);
                Dealt::new([Cut { data, rows: 1, width, unit: len }], pieces, pieces)
            };
            let (first, others) = (piece(&mut *own, 1), piece(&mut *others, more));
            let pieces = [first, others];
            self.workers.run(&|| {
                // a call that finds none left leaves the work to those that did
                if let Some((_, [mut scratch])) = pieces.iter().flatten().find_map(Dealt::take) {
                    job(scratch.row(0));
                }
            });
        } else {
            self.workers.run(&|| job(&mut []));
        }
        self.scratch.set(others);
        job(own);
    }
}
