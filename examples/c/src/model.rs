//! Models: made, trained, scored, looked at.

use rnnlm::{Config, Memory, StepError, Xorshift};

use crate::{
    cell::ModelCell,
    handles::{InnerModel, Model, body, body_mut, put},
    lengths,
    pointers::{Block, check, check_apart, slice, slice_mut, tell},
    status::{Failure, Status, status},
};

/// How well a token was foreseen.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Score {
    /// The token.
    pub id: u32,
    /// Its cross-entropy in nats, that is -ln of its probability: never NaN, infinite for the probability 0.
    pub loss: f32,
    /// Its place among all words from the likeliest, which is 1, to V. 0 where there was no prediction.
    pub rank: usize,
}

impl From<rnnlm::TokenScore> for Score {
    fn from(score: rnnlm::TokenScore) -> Self {
        Self { id: score.id, loss: score.loss, rank: score.rank }
    }
}

/// Refuses memory that is the model's too.
#[inline(always)]
pub fn check_apart_from<T>(model: &InnerModel, memory: &[T]) -> Result<(), Failure> {
    check_bytes_apart_from(model, memory.as_ptr().addr(), size_of_val(memory))
}

#[inline(never)]
fn check_bytes_apart_from(model: &InnerModel, start: usize, len: usize) -> Result<(), Failure> {
    let (weights, state) = (model.weights_block(), model.state().as_ptr());
    check_apart(start, len, weights.as_ptr().addr(), size_of_val(weights))?;
    // the workspace begins with the state
    check_apart(start, len, state.addr(), lengths::workspace(&model.config()) * size_of::<f32>())
}

/// Tells the lengths that these sizes need on this machine, exactly. The macros above give the same at compile time;
/// where the processor has vectors, RNNLM_WORKSPACE_LEN is an upper bound.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rnnlm_config_memory(config: *const Config, memory: *mut Memory) -> Status {
    status(|| {
        check(config)?;
        check(memory)?;
        // SAFETY: the caller's, aligned and not null.
        unsafe { tell(memory, config.read().memory_of::<ModelCell>()?) };
        Ok(())
    })
}

/// Makes a model of these sizes over the caller's memory, with the weights that are in it, and a hidden state of zero.
/// Where there are no weights yet, rnnlm_model_randomize or rnnlm_model_load follows.
///
/// Memory may be longer than needed. It stays lent to the model as long as that is used: the caller may read it between
/// two calls, and write weights only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rnnlm_model_init(
    model: *mut Model,
    config: *const Config,
    weights: *mut f32,
    weights_len: usize,
    workspace: *mut f32,
    workspace_len: usize,
) -> Status {
    status(|| {
        check(model)?;
        check(config)?;
        // SAFETY: the caller's, aligned and not null.
        let config = unsafe { config.read() };
        // as `with_buffers` finds it anew, but for what the compiler knows by then
        let memory = config.memory_of::<ModelCell>()?;
        // SAFETY: the caller lends both.
        let (weights, workspace) = unsafe {
            (Block::new(weights, weights_len, memory.weights)?, Block::new(workspace, workspace_len, memory.workspace)?)
        };
        weights.check_apart(workspace.as_ref())?;
        // SAFETY: the handle was checked.
        unsafe { put(model, InnerModel::with_buffers(config, weights, workspace)?) };
        Ok(())
    })
}

/// Draws all weights anew and sets the hidden state to zero. The same seed gives the same weights on every machine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rnnlm_model_randomize(model: *mut Model, seed: u64) -> Status {
    status(|| {
        // SAFETY: the caller's handle.
        unsafe { body_mut(model) }?.initialize(&mut Xorshift::new(seed));
        Ok(())
    })
}

/// Takes one training step: reads the inputs xs and their targets ts, len = N T ids each, row by row, and changes the
/// weights by the rate times the gradient of the mean loss. A target of RNNLM_IGNORE doesn't count. Tells the mean loss
/// before the step unless loss is null. Where it fails the model is as it was.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rnnlm_model_train(
    model: *mut Model,
    xs: *const u32,
    ts: *const u32,
    len: usize,
    rate: f32,
    loss: *mut f32,
) -> Status {
    status(|| {
        // SAFETY: the caller's handle and ids.
        let (model, xs, ts) = unsafe { (body_mut(model)?, slice(xs, len)?, slice(ts, len)?) };
        check_apart_from(model, xs)?;
        check_apart_from(model, ts)?;
        let mean = model.forward(xs, ts)?.sgd(rate)?;
        // SAFETY: the caller's.
        unsafe { tell(loss, mean) };
        Ok(())
    })
}

/// Sets the carried hidden state to zero, as before the first window of a text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rnnlm_model_reset_state(model: *mut Model) -> Status {
    status(|| {
        // SAFETY: the caller's handle.
        unsafe { body_mut(model) }?.reset_state();
        Ok(())
    })
}

/// Scores a text of len tokens, at least 2, from a zero state: every token after the first is foreseen once. Writes
/// len - 1 scores unless scores is null, and tells the mean loss unless loss is null; rnnlm_perplexity of that is the
/// perplexity of the text. scores_len is the number of scores for which there is room. Weights and hidden state stay.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rnnlm_model_score(
    model: *mut Model,
    tokens: *const u32,
    len: usize,
    scores: *mut Score,
    scores_len: usize,
    loss: *mut f32,
) -> Status {
    status(|| {
        // SAFETY: the caller's handle and tokens.
        let (model, tokens) = unsafe { (body_mut(model)?, slice(tokens, len)?) };
        let (needed, given) = (len.saturating_sub(1), scores_len);
        if !scores.is_null() && given < needed {
            return Err(StepError::Length { needed, given }.into());
        }
        // SAFETY: the caller's room.
        let scores = unsafe { slice_mut(scores, if scores.is_null() { 0 } else { needed })? };
        check_apart_from(model, tokens)?;
        check_apart_from(model, scores)?;
        let mut places = scores.iter_mut();
        let mean = model.score(tokens, |score| {
            if let Some(place) = places.next() {
                *place = score.into();
            }
        })?;
        // SAFETY: the caller's.
        unsafe { tell(loss, mean) };
        Ok(())
    })
}

/// The perplexity of a mean loss: e to that power.
#[unsafe(no_mangle)]
pub extern "C" fn rnnlm_perplexity(loss: f32) -> f32 {
    rnnlm::perplexity(loss)
}

/// Tells where the weights are and how many: embed.W (V,D), rnn.Wx (D,H), rnn.Wh (H,H), rnn.b (H), affine.W (H,V),
/// affine.b (V), one behind the other; of an LSTM lstm.Wx (D,4H), lstm.Wh (H,4H), lstm.b (4H) in the place of rnn. len
/// may be null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rnnlm_model_weights(model: *const Model, weights: *mut *const f32, len: *mut usize) -> Status {
    status(|| {
        check(weights)?;
        // SAFETY: the caller's handle.
        let block = unsafe { body(model) }?.weights_block();
        // SAFETY: the caller's.
        unsafe {
            tell(weights, block.as_ptr());
            tell(len, block.len());
        }
        Ok(())
    })
}

/// Tells where the carried hidden state (N,H) is, behind it that of an LSTM's cell (N,H), and how many numbers it has.
/// len may be null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rnnlm_model_state(model: *const Model, state: *mut *const f32, len: *mut usize) -> Status {
    status(|| {
        check(state)?;
        // SAFETY: the caller's handle.
        let block = unsafe { body(model) }?.state();
        // SAFETY: the caller's.
        unsafe {
            tell(state, block.as_ptr());
            tell(len, block.len());
        }
        Ok(())
    })
}

/// Tells a hash of the weights and of the hidden state (FNV-1a over their bytes, little-endian): equal models have
/// equal hashes, on every machine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rnnlm_model_hash(model: *const Model, hash: *mut u64) -> Status {
    status(|| {
        check(hash)?;
        // SAFETY: the caller's handle.
        let model = unsafe { body(model) }?;
        let bytes = model.weights_block().iter().chain(model.state()).flat_map(|x| x.to_bits().to_le_bytes());
        let fnv = bytes
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
        // SAFETY: the caller's.
        unsafe { tell(hash, fnv) };
        Ok::<(), Failure>(())
    })
}
