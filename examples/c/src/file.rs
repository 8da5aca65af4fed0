//! Files: a model saved page by page, and brought back.

use core::{ffi::c_void, num::NonZero};

use rnnlm::{Config, TrainingState};

use crate::{
    cell::ModelCell,
    errors::NOT_IN_PLACE,
    handles::{Model, body, body_mut},
    model::check_apart_from,
    pointers::{check, slice, slice_mut, tell},
    status::{Failure, Status, status},
};

type Checkpoint<'a> = rnnlm::Checkpoint<'a, ModelCell>;

/// Takes a page of a file. Answers 0 to go on, or any number that saving then answers: one below 0 is no error of this
/// library. It must not use the model or change the page, and no C++ exception may leave it.
pub type Sink = Option<unsafe extern "C" fn(context: *mut c_void, page: *const u8, len: usize) -> Status>;

/// Tells the length in bytes of a file that rnnlm_model_save writes of a model of these sizes. RNNLM_FILE_LEN is an
/// upper bound at compile time.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rnnlm_file_len(config: *const Config, len: *mut usize) -> Status {
    status(|| {
        check(config)?;
        check(len)?;
        // SAFETY: the caller's, aligned and not null.
        unsafe { tell(len, Checkpoint::encoded_len_as(config.read(), 0)?) };
        Ok(())
    })
}

/// Fills the training state with the values before the first step: rate 0.1, nothing clipped, seed 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rnnlm_training_init(training: *mut TrainingState) -> Status {
    status(|| {
        check(training)?;
        // SAFETY: the caller's.
        unsafe { tell(training, TrainingState::default()) };
        Ok::<(), Failure>(())
    })
}

/// Saves a model, weights and hidden state, as a file without words: gives its bytes to sink, in pages that are all as
/// long as page but the last one, with context as it is. page is memory for 8 bytes or more. training is kept with it;
/// null stands for that of rnnlm_training_init. Tells the length of the file unless len is null. Stops where sink
/// answers other than 0, and answers the same. Refuses what rnnlm_model_load would refuse before the first page.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rnnlm_model_save(
    model: *const Model,
    training: *const TrainingState,
    page: *mut u8,
    page_len: usize,
    sink: Sink,
    context: *mut c_void,
    len: *mut usize,
) -> Status {
    status(|| {
        // SAFETY: the caller's handle and page.
        let (model, page) = unsafe { (body(model)?, slice_mut(page, page_len)?) };
        check_apart_from(model, page)?;
        let sink = sink.ok_or(crate::errors::NULL_POINTER)?;
        let training = if training.is_null() {
            TrainingState::default()
        } else {
            check(training)?;
            // SAFETY: the caller's, aligned and not null.
            unsafe { training.read() }
        };
        let written = Checkpoint::write_with(model, &training, "", page, |page| {
            // SAFETY: the caller's function, which keeps to what its type says.
            let answer = unsafe { sink(context, page.as_ptr(), page.len()) };
            NonZero::new(answer).map_or(Ok(()), |code| Err(Failure(code)))
        })?;
        // SAFETY: the caller's.
        unsafe { tell(len, written) };
        Ok(())
    })
}

/// Brings a model back from the len bytes of a file, this library's or one that Python wrote with safetensors. All of
/// it is checked before: the checksum, the sizes, that every number is finite. V, D and H must be the model's. The
/// hidden state is the file's where it has one for the same N, and zero otherwise. Tells the training state unless
/// training is null: that of rnnlm_training_init where the file has none. Where it fails the model is as it was.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rnnlm_model_load(
    model: *mut Model,
    file: *const u8,
    len: usize,
    training: *mut TrainingState,
) -> Status {
    status(|| {
        // SAFETY: the caller's handle and bytes.
        let (model, file) = unsafe { (body_mut(model)?, slice(file, len)?) };
        check_apart_from(model, file)?;
        let checkpoint = Checkpoint::read_as(file)?;
        checkpoint.load(model)?;
        // SAFETY: the caller's.
        unsafe { tell(training, checkpoint.training().unwrap_or_default()) };
        Ok(())
    })
}

/// Tells the sizes of the model in a file, after all of it was checked. Of weights that Python wrote N and T are 1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rnnlm_file_config(file: *const u8, len: usize, config: *mut Config) -> Status {
    status(|| {
        check(config)?;
        // SAFETY: the caller's bytes and room.
        unsafe { tell(config, Checkpoint::read_as(slice(file, len)?)?.config()) };
        Ok(())
    })
}

/// Finds the weights in a file, in flash for instance, for a predictor to use where they are, after all of the file was
/// checked. Its bytes must begin at a multiple of 8 (RNNLM_FILE_ALIGNMENT). Tells the sizes, and where the weights are
/// and how many; weights_len may be null. A file of Python may have another order: rnnlm_model_load takes any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rnnlm_file_weights(
    file: *const u8,
    len: usize,
    config: *mut Config,
    weights: *mut *const f32,
    weights_len: *mut usize,
) -> Status {
    status(|| {
        check(config)?;
        check(weights)?;
        // SAFETY: the caller's bytes.
        let bytes = unsafe { slice(file, len)? };
        let checkpoint = Checkpoint::read_as(bytes)?;
        let named = checkpoint.weights().ok_or(NOT_IN_PLACE)?.named();
        let block = named[0].1.as_slice().as_ptr();
        let mut end = block;
        for (_, matrix) in named {
            let matrix = matrix.as_slice();
            if matrix.as_ptr() != end {
                return Err(NOT_IN_PLACE.into());
            }
            end = end.wrapping_add(matrix.len());
        }
        let start = file.wrapping_add(block.addr().wrapping_sub(file.addr())).cast();
        // SAFETY: the caller's.
        unsafe {
            tell(config, checkpoint.config());
            tell(weights, start);
            tell(weights_len, (end.addr().wrapping_sub(block.addr())) / size_of::<f32>());
        }
        Ok(())
    })
}
