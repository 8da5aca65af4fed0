//! A model's workspace, alone or with the workers who compute in it.

use core::{cell::Cell, fmt};

use super::parameters::Storage;
use crate::{
    heap::Floats,
    kernels::{Together, Workers},
};

/// What the workspace of a model may be: any [`Storage`], for a model that one thread computes, or a
/// [`SharedWorkspace`].
///
/// ```
/// use rnnlm::{Crew, Workspace};
/// let mut workspace = [0.0; 8]; // any storage
/// workspace.floats_mut()[0] = 1.0;
/// let (floats, crew): (&mut [f32], Option<Crew<'_>>) = workspace.parts_mut();
/// assert!(floats[0] == 1.0 && crew.is_none()); // one thread computes in it
/// ```
pub trait Workspace {
    /// Its floats.
    fn floats(&self) -> &[f32];
    /// Its floats, to be written.
    fn floats_mut(&mut self) -> &mut [f32];
    /// Its floats, and who computes in it besides this thread: nobody in a [`Storage`].
    fn parts_mut(&mut self) -> (&mut [f32], Option<Crew<'_>>);
}

impl<S: Storage> Workspace for S {
    #[inline(always)]
    fn floats(&self) -> &[f32] {
        self.as_ref()
    }
    #[inline(always)]
    fn floats_mut(&mut self) -> &mut [f32] {
        self.as_mut()
    }
    #[inline(always)]
    fn parts_mut(&mut self) -> (&mut [f32], Option<Crew<'_>>) {
        (self.as_mut(), None)
    }
}

/// Workers at work: what a [`Workspace`] shows of them.
pub struct Crew<'a> {
    /// The workers, this thread among them.
    pub workers: &'a dyn Workers,
    /// Scratch for all workers but one: [`Config::scratch_of_workers_of`](crate::Config::scratch_of_workers_of).
    pub scratch: &'a mut [f32],
}

impl Crew<'_> {
    /// Has the work done by these workers.
    #[inline(always)]
    pub(crate) fn run<R>(self, work: impl FnOnce(Together<'_, '_>) -> R) -> R {
        let Self { workers, scratch } = self;
        work(Together { workers, scratch: &Cell::new(scratch) })
    }
}

/// A workspace `S` in which workers `P` compute, with scratch `X` of theirs: see
/// [`SimpleRnnlm::with_workers`](crate::SimpleRnnlm::with_workers). By its name a struct owns such a model:
///
/// ```
/// use rnnlm::{AlignedVec, SharedWorkspace, SimpleRnnlm};
/// struct Program<Threads> {
///     model: SimpleRnnlm<AlignedVec, SharedWorkspace<Threads>>,
/// }
/// ```
#[derive(Clone)]
pub struct SharedWorkspace<P, S = Floats, X = Floats> {
    pub(super) workers: P,
    pub(super) workspace: S,
    pub(super) scratch: X,
}

impl<P: Workers, S: Storage, X: Storage> Workspace for SharedWorkspace<P, S, X> {
    fn floats(&self) -> &[f32] {
        self.workspace.as_ref()
    }
    fn floats_mut(&mut self) -> &mut [f32] {
        self.workspace.as_mut()
    }
    fn parts_mut(&mut self) -> (&mut [f32], Option<Crew<'_>>) {
        let Self { workers, workspace, scratch } = self;
        let crew = Crew { workers: &*workers, scratch: scratch.as_mut() };
        (workspace.as_mut(), (workers.count() > 1).then_some(crew))
    }
}

impl<P, S, X> fmt::Debug for SharedWorkspace<P, S, X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedWorkspace").finish_non_exhaustive()
    }
}
