//! Handles: memory of the caller, in which a model, a learner or a predictor lives. A mark in front tells whether one
//! does.

use core::mem::{MaybeUninit, offset_of};

use rnnlm::{Config, OnlineLearner};

use crate::{
    cell::ModelCell,
    errors::NOT_INITIALIZED,
    pointers::{Block, check_start},
    status::Failure,
};

/// The words, each as large as a pointer, of the three handles in C.
pub const MODEL_WORDS: usize = 16;
pub const LEARNER_WORDS: usize = 24;
pub const PREDICTOR_WORDS: usize = 16;

/// What a handle holds; `KIND` tells one from the others.
pub trait Body {
    const KIND: u32;
}

/// Tells handles from memory that nobody wrote: a mark is this and the kind.
const MARK: u32 = 0x1a2b_3c00;

/// A model over the caller's memory.
pub type InnerModel = rnnlm::Model<ModelCell, Block<f32>, Block<f32>>;
/// A learner over a model's memory, and its own.
pub type InnerLearner = OnlineLearner<Block<f32>, Block<f32>, Block<f32>, Block<u32>, ModelCell>;

/// What a predictor keeps from one event to the next.
pub struct InnerPredictor {
    pub config: Config,
    /// Never written.
    pub weights: Block<f32>,
    /// The states (H each), then what the library takes for a prediction.
    pub buffer: Block<f32>,
}

impl Body for InnerModel {
    const KIND: u32 = 1;
}

impl Body for InnerLearner {
    const KIND: u32 = 2;
}

impl Body for InnerPredictor {
    const KIND: u32 = 3;
}

/// A handle as C declares it, in so many words.
#[repr(C)]
pub struct Handle<B> {
    mark: u32,
    body: MaybeUninit<B>,
}

pub type Model = Handle<InnerModel>;
pub type Learner = Handle<InnerLearner>;
pub type Predictor = Handle<InnerPredictor>;

const fn fits<B>(words: usize) -> bool {
    size_of::<Handle<B>>() <= words * size_of::<usize>() && align_of::<Handle<B>>() <= align_of::<usize>()
}
const _: () = assert!(fits::<InnerModel>(MODEL_WORDS));
const _: () = assert!(fits::<InnerLearner>(LEARNER_WORDS));
const _: () = assert!(fits::<InnerPredictor>(PREDICTOR_WORDS));

/// Puts a body into a handle, whatever was there: none of them owns anything.
///
/// # Safety
/// There is room for a handle, which [`check`] has seen.
#[inline(always)]
pub unsafe fn put<B: Body>(handle: *mut Handle<B>, body: B) {
    // SAFETY: by the caller.
    unsafe { handle.write(Handle { mark: MARK + B::KIND, body: MaybeUninit::new(body) }) }
}

/// That it begins with the mark of this kind. One function for all handles: flash is short.
///
/// # Safety
/// The pointer is null, or a handle's memory is there.
#[inline(never)]
unsafe fn check_mark(handle: *const u32, align: usize, kind: u32) -> Result<(), Failure> {
    check_start(handle, align)?;
    // SAFETY: aligned, not null; memory of C has a value, and any is a mark.
    if unsafe { handle.read() } == MARK + kind { Ok(()) } else { Err(NOT_INITIALIZED.into()) }
}

/// The body of a handle that only is looked at.
///
/// # Safety
/// The pointer is null, or a handle's memory is there, which nobody changes meanwhile.
#[inline(always)]
pub unsafe fn body<'a, B: Body>(handle: *const Handle<B>) -> Result<&'a B, Failure> {
    const { assert!(offset_of!(Handle<B>, mark) == 0) };
    // SAFETY: by the caller; the mark comes first.
    unsafe { check_mark(handle.cast(), align_of::<Handle<B>>(), B::KIND) }?;
    // SAFETY: `put` wrote the mark together with a body.
    Ok(unsafe { (*handle).body.assume_init_ref() })
}

/// The body of a handle that is changed.
///
/// # Safety
/// The pointer is null, or a handle's memory is there, which nobody else uses meanwhile.
#[inline(always)]
pub unsafe fn body_mut<'a, B: Body>(handle: *mut Handle<B>) -> Result<&'a mut B, Failure> {
    // SAFETY: by the caller.
    unsafe { body(handle.cast_const()) }?;
    // SAFETY: as in `body`; nobody else uses it.
    Ok(unsafe { (*handle).body.assume_init_mut() })
}
