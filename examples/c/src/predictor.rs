//! Predicting from weights that are only read: a model's, or those of a file in flash.

use rnnlm::{Config, StepError};

use crate::{
    cell::{ModelCell, Parameters},
    handles::{InnerPredictor, Predictor, body, body_mut, put},
    lengths,
    pointers::{Block, check, slice, tell},
    status::{Failure, Status, status},
};

/// Makes a predictor over weights, where rnnlm_model_weights or rnnlm_file_weights found them, with a hidden state of
/// zero. Of config V, D and H count; N and T must be above zero. It needs RNNLM_PREDICTOR_LEN floats. Both stay lent to
/// it; a model may be trained on, and its predictor then uses the new weights.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rnnlm_predictor_init(
    predictor: *mut Predictor,
    config: *const Config,
    weights: *const f32,
    weights_len: usize,
    buffer: *mut f32,
    buffer_len: usize,
) -> Status {
    status(|| {
        check(predictor)?;
        check(config)?;
        // SAFETY: the caller's, aligned and not null.
        let config = unsafe { config.read() };
        let buffer_needed = lengths::states(&config).wrapping_add(lengths::prediction(&config));
        // SAFETY: the caller lends both; the first is never written.
        let (weights, mut buffer) = unsafe {
            (
                Block::new(weights.cast_mut(), weights_len, lengths::weights(&config))?,
                Block::new(buffer, buffer_len, buffer_needed)?,
            )
        };
        weights.check_apart(buffer.as_ref())?;
        Parameters::from_block(config, weights.as_ref())?;
        buffer.as_mut().fill(0.0);
        // SAFETY: the handle was checked.
        unsafe { put(predictor, InnerPredictor { config, weights, buffer }) };
        Ok(())
    })
}

/// Reads one token and tells where the probabilities of the next one are, V of them, unless probabilities is null. They
/// are good until the next call with this predictor. After an id that is out of range it is as it was; after a
/// prediction that is not finite, what was read is forgotten.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rnnlm_predictor_feed(
    predictor: *mut Predictor,
    id: u32,
    probabilities: *mut *const f32,
) -> Status {
    // SAFETY: as this function.
    unsafe { feed(predictor, id, probabilities, |predictor| Ok(predictor)) }
}

/// As rnnlm_predictor_feed, with the logits divided by the temperature: below 1 the likely words become likelier, above
/// 1 all become more alike; at 0 the likeliest one is certain.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rnnlm_predictor_feed_at(
    predictor: *mut Predictor,
    id: u32,
    temperature: f32,
    probabilities: *mut *const f32,
) -> Status {
    // SAFETY: as this function.
    unsafe { feed(predictor, id, probabilities, |predictor| Ok(predictor.with_temperature(temperature)?)) }
}

type Whole<'w> = rnnlm::Predictor<'w, &'w mut [f32], ModelCell>;

#[inline(always)]
unsafe fn feed(
    predictor: *mut Predictor,
    id: u32,
    probabilities: *mut *const f32,
    adjust: impl for<'w> FnOnce(Whole<'w>) -> Result<Whole<'w>, Failure>,
) -> Status {
    status(|| {
        // SAFETY: the caller's handle.
        let InnerPredictor { config, weights, buffer } = unsafe { body_mut(predictor) }?;
        let (state, own) =
            buffer.as_mut().split_at_mut_checked(lengths::states(config)).ok_or(StepError::OtherSizes)?;
        // built anew each time, so that no borrow of the weights outlives the call
        let mut whole =
            adjust(rnnlm::Predictor::with_buffers(Parameters::from_block(*config, weights.as_ref())?, own)?)?;
        whole.set_state(state)?;
        let result = whole.feed(id).map(<[f32]>::as_ptr);
        state.iter_mut().zip(whole.state()).for_each(|(to, &x)| *to = x);
        let found = result?;
        // SAFETY: the caller's.
        unsafe { tell(probabilities, found) };
        Ok(())
    })
}

/// Sets the hidden state to zero: forgets what was read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rnnlm_predictor_reset_state(predictor: *mut Predictor) -> Status {
    status(|| {
        // SAFETY: the caller's handle.
        unsafe { body_mut(predictor) }?.buffer.as_mut().fill(0.0);
        Ok(())
    })
}

/// Sets the hidden state, H numbers, of an LSTM H more of its cell: one from rnnlm_predictor_state, or a row of
/// rnnlm_model_state.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rnnlm_predictor_set_state(predictor: *mut Predictor, state: *const f32, len: usize) -> Status {
    status(|| {
        // SAFETY: the caller's handle and state.
        let (InnerPredictor { config, buffer, .. }, state) = unsafe { (body_mut(predictor)?, slice(state, len)?) };
        let needed = lengths::states(config);
        if len != needed {
            return Err(StepError::Length { needed, given: len }.into());
        }
        buffer.check_apart(state)?;
        buffer.as_mut().iter_mut().zip(state).for_each(|(to, &x)| *to = x);
        Ok(())
    })
}

/// Tells where the hidden state is, H numbers, of an LSTM H more of its cell: all that the predictor knows of what
/// was read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rnnlm_predictor_state(predictor: *const Predictor, state: *mut *const f32) -> Status {
    status(|| {
        check(state)?;
        // SAFETY: the caller's handle.
        let InnerPredictor { buffer, .. } = unsafe { body(predictor) }?;
        // SAFETY: the caller's.
        unsafe { tell(state, buffer.start()) };
        Ok(())
    })
}
