//! Learning from a stream of events while it comes.

use rnnlm::{OnlineLearner, StepError};

use crate::{
    handles::{InnerModel, Learner, Model, body, body_mut, put},
    lengths,
    model::{Score, check_apart_from},
    pointers::{Block, check, slice, slice_mut, tell},
    status::{Failure, Status, status},
};

/// The caller's memory for a learner over this model, apart from the model's.
unsafe fn blocks(
    model: &InnerModel,
    prediction: (*mut f32, usize),
    ids: (*mut u32, usize),
) -> Result<(Block<f32>, Block<u32>), Failure> {
    let config = model.config();
    // SAFETY: the caller lends both.
    let (prediction, ids) = unsafe {
        let prediction = Block::new(prediction.0, prediction.1, lengths::prediction(&config))?;
        (prediction, Block::new(ids.0, ids.1, lengths::ids(&config))?)
    };
    prediction.check_apart(ids.as_ref())?;
    check_apart_from(model, prediction.as_ref())?;
    check_apart_from(model, ids.as_ref())?;
    Ok((prediction, ids))
}

/// Makes a learner that begins a stream of events. The model's N must be 1. It needs RNNLM_PREDICTION_LEN floats and
/// RNNLM_IDS_LEN ids, which stay lent to it, and so does the model's memory: the model's handle may still be used to
/// score, to save, to load and to look at the weights. Its hidden state becomes zero.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rnnlm_learner_init(
    learner: *mut Learner,
    model: *const Model,
    rate: f32,
    prediction: *mut f32,
    prediction_len: usize,
    ids: *mut u32,
    ids_len: usize,
) -> Status {
    status(|| {
        check(learner)?;
        // SAFETY: the caller's handle and memory.
        let (model, (prediction, ids)) = unsafe {
            let model = body(model)?;
            (model, blocks(model, (prediction, prediction_len), (ids, ids_len))?)
        };
        let new = OnlineLearner::with_buffers(model.clone(), rate, prediction, ids)?;
        // SAFETY: the handle was checked.
        unsafe { put(learner, new) };
        Ok(())
    })
}

/// Makes a learner that goes on, with the same bits, where another one was: the model as rnnlm_model_load brought it
/// back, and the ids that rnnlm_learner_pending gave of the other one, which may be none.
#[unsafe(no_mangle)]
#[allow(clippy::too_many_arguments)] // three pieces of memory and their lengths
pub unsafe extern "C" fn rnnlm_learner_resume(
    learner: *mut Learner,
    model: *const Model,
    rate: f32,
    prediction: *mut f32,
    prediction_len: usize,
    ids: *mut u32,
    ids_len: usize,
    pending: *const u32,
    pending_len: usize,
) -> Status {
    status(|| {
        check(learner)?;
        // SAFETY: the caller's handle and memory.
        let (model, (prediction, ids), pending) = unsafe {
            let model = body(model)?;
            (model, blocks(model, (prediction, prediction_len), (ids, ids_len))?, slice(pending, pending_len)?)
        };
        check_apart_from(model, pending)?;
        // a learner in C never waits with a step that is due
        let (needed, given) = (model.config().time_size, pending.len());
        if given > needed {
            Err(StepError::Length { needed, given })?;
        }
        let new = OnlineLearner::resume(model.clone(), rate, prediction, ids, pending)?;
        // SAFETY: the handle was checked.
        unsafe { put(learner, new) };
        Ok(())
    })
}

/// Scores an event by the prediction that the events before it gave, learns from it, and predicts the next one. Every T
/// events it takes a training step. The first event of a stream gets the rank 0, no score; score may be null. After an
/// error the weights are as they were and the stream starts anew with the next event.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rnnlm_learner_observe(learner: *mut Learner, id: u32, score: *mut Score) -> Status {
    status(|| {
        // SAFETY: the caller's handle.
        let found = unsafe { body_mut(learner) }?.observe(id)?;
        let found = found.map_or(Score { id, loss: 0.0, rank: 0 }, Score::from);
        // SAFETY: the caller's.
        unsafe { tell(score, found) };
        Ok(())
    })
}

/// Tells where the probabilities of the next event are, V of them, all 0 before the first. They are good until the next
/// call with this learner. len may be null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rnnlm_learner_probabilities(
    learner: *const Learner,
    probabilities: *mut *const f32,
    len: *mut usize,
) -> Status {
    status(|| {
        check(probabilities)?;
        // SAFETY: the caller's handle.
        let found = unsafe { body(learner) }?.probabilities();
        // SAFETY: the caller's.
        unsafe {
            tell(probabilities, found.as_ptr());
            tell(len, found.len());
        }
        Ok(())
    })
}

/// Copies the ids of the events that no training step has used yet, at most T, and tells how many. Kept beside a file
/// that was saved at the same time, they are what rnnlm_learner_resume needs. capacity is the number of ids for which
/// there is room.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rnnlm_learner_pending(
    learner: *const Learner,
    ids: *mut u32,
    capacity: usize,
    len: *mut usize,
) -> Status {
    status(|| {
        check(len)?;
        // SAFETY: the caller's handle and room.
        let (learner, ids) = unsafe { (body(learner)?, slice_mut(ids, capacity)?) };
        let needed = learner.pending().count();
        if needed > capacity {
            return Err(StepError::Length { needed, given: capacity }.into());
        }
        ids.iter_mut().zip(learner.pending()).for_each(|(to, id)| *to = id);
        // SAFETY: the caller's.
        unsafe { tell(len, needed) };
        Ok(())
    })
}

/// Sets the learning rate of the steps to come.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rnnlm_learner_set_rate(learner: *mut Learner, rate: f32) -> Status {
    status(|| {
        // SAFETY: the caller's handle.
        unsafe { body_mut(learner) }?.set_learning_rate(rate)?;
        Ok(())
    })
}

/// Forgets the events read, not what was learned from them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rnnlm_learner_restart(learner: *mut Learner) -> Status {
    status(|| {
        // SAFETY: the caller's handle.
        unsafe { body_mut(learner) }?.restart();
        Ok(())
    })
}
