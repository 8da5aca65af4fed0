//! A small recurrent language model that trains and runs where nothing else fits: `no_std`, no dependency, every
//! buffer allocated once, the same bits on every machine.
//!
//! ```text
//! token ids (N,T) -> TimeEmbedding -> TimeRnn or TimeLstm -> TimeAffine -> TimeSoftmaxWithLoss -> loss
//!                                     (stateful, truncated BPTT)
//! ```
//!
//! It is the `SimpleRnnlm` of "Deep Learning from Scratch 2", chapter 5, and the `Rnnlm` of chapter 6. Their layers are
//! private; the [`guide`] derives every gradient, says how all is built, and what is promised.
//!
//! ```
//! use core::ops::ControlFlow;
//! use rnnlm::{Config, Corpus, RnnlmTrainer, Sgd, SimpleRnnlm, Xorshift};
//!
//! fn main() -> Result<(), rnnlm::Error> {
//!     let corpus = Corpus::from_text(&"you say goodbye and i say hello .\n".repeat(20))?;
//!     let vocab_size = corpus.vocabulary().len();
//!     let config = Config {
//!         vocab_size,
//!         wordvec_size: 16,
//!         hidden_size: 16,
//!         batch_size: 2,
//!         time_size: 4,
//!     };
//!     let model = SimpleRnnlm::new(config, &mut Xorshift::new(1))?;
//!     let mut trainer = RnnlmTrainer::new(model, Sgd::new(0.5)?)?;
//!     trainer.fit(corpus.ids(), 30, |_| ControlFlow::<()>::Continue(()))?;
//!     assert!(trainer.perplexities()[29] < 1.3); // of 8 words, the next one is almost certain
//!     Ok(())
//! }
//! ```
//!
//! Without optimisation it is about 170 times slower: `opt-level = 3` for `[profile.dev.package.rnnlm]` in your
//! `Cargo.toml` makes debug builds fast.
//!
//! # Map
//! **Train**
//! - [`Config`], the five sizes of a model; [`Config::memory`] tells what they need.
//! - [`SimpleRnnlm`], the model with the tanh cell, and [`Rnnlm`], with an LSTM: each a [`Model`] with its [`Cell`],
//!   [`TanhCell`] or [`LstmCell`]; [`Window`], a window that was read: backward pass and update.
//! - [`Batches`], windows over a text for a loop by hand; [`IGNORE`], a target that doesn't count.
//! - [`RnnlmTrainer`], epochs in one call; [`Progress`], what its callback sees.
//! - [`SimpleRnnlm::with_workers`], on all cores; [`Workers`], what threads or cores are to it; [`SharedWorkspace`],
//!   [`Crew`].
//! - [`Sgd`], the optimizer; [`DecayOnPlateau`], its rate over time; [`Gradients`], to clip or to look at.
//! - [`SimpleRnnlm::evaluate`] and [`perplexity`], how good it is.
//!
//! **Keep**
//! - [`Checkpoint`], a model as a file: `to_vec`, `read`, `restore`; [`TrainingState`], where training stood.
//!
//! **Ask**
//! - [`Predictor`], how likely each word is to come next; [`top`], the likeliest; [`Sampler`], one drawn;
//!   [`Candidate`].
//! - [`QuantizedPredictor`], the same from a quarter of the bytes: weights rounded to int8, [`Quantized`],
//!   of either cell ([`QuantizedCell`]).
//! - [`SimpleRnnlm::score`] and [`TokenScore`], how likely a text is, word by word.
//!
//! **Events**
//! - [`OnlineLearner`], predicts, scores and learns each event of a stream as it comes; [`HeadLearner`], the same with
//!   all but the output layer in flash.
//! - [`Detector`], finds odd events in sessions and streams: [`EventVerdict`], [`SessionVerdict`], [`Doing`]; over
//!   any [`Foresight`], and with a [`Balance`] of which events outnumber which ([`Imbalance`]). [`FalseAlarms`] sets
//!   its [`Threshold`] by normal data, [`rate_interval`] says how sure that is; [`Guard`] stops it from learning
//!   anomalies ([`GuardState`]); [`EventIds`] and [`Beyond`], events that it doesn't know.
//!
//! **Text**
//! - [`Corpus`], a text as ids, its rare words merged; [`Vocabulary`], words and their ids; [`Encoded`]; [`tokens`].
//!
//! **Embed** in firmware
//! - [`Memory`], sizes at compile time; [`Storage`] and [`Workspace`], what models may be made of;
//!   [`Parameters::from_block`], weights in flash; [`AlignedVec`], the heap's memory.
//! - [`TwoSlots`] on a [`BlockDevice`], bytes that survive a power cut; [`RecordWriter`], [`SlotError`].
//! - [`LearnerRecord`], all that a learner needs after a reboot; [`WordIndex`], words and ids without a heap.
//! - [`Error`], all that goes wrong but [`SlotError`], with [codes](Error#codes); [`ConfigError`], [`ParameterError`],
//!   [`StepError`], [`CorpusError`], [`TrainError`], [`CheckpointError`], [`IsaError`].
//!
//! **Low level**
//! - [`Isa`], the instruction set that computes; [`Xorshift`], random numbers.
//! - [`Matrix`], [`Parameters`] and [`LstmParameters`], weights by name; [`Matmul`] with [`Form`], [`Start`] and
//!   [`matmul_scratch`];
//!   [`exp`], [`tanh`], [`sigmoid`].
//!
//! # Symbols
//! V vocabulary size, D word vector size, H hidden size, N batch size, T time size (steps unrolled by truncated BPTT).
//!
//! # Arithmetic
//! Every sum has one order, and all functions are this crate's own, so a training run gives the same weights, bit for
//! bit, on every instruction set, in debug and in release: [`guide::reproducibility`].
//!
//! # Features
//! `alloc` (default): constructors that take their memory from the heap, [`Corpus`], [`Vocabulary`], the trainer's list
//! of perplexities, `to_vec` and `vocabulary` of [`Checkpoint`] and [`Quantized`], and [`Checkpoint::restore`]. Without
//! it everything else works over the caller's buffers.
#![no_std]
#![cfg_attr(not(test), deny(clippy::too_many_lines))]
#![cfg_attr(docsrs, feature(doc_cfg))]
// the map names what needs the heap
#![cfg_attr(not(feature = "alloc"), allow(rustdoc::broken_intra_doc_links))]

#[cfg(feature = "alloc")]
extern crate alloc;

mod checkpoint;
mod config;
mod error;
mod events;
mod flash;
mod heap;
mod kernels;
mod layers;
mod matrix;
mod model;
mod prediction;
mod rng;
mod simd;
#[cfg(feature = "alloc")]
mod text;
mod training;

pub use checkpoint::{Checkpoint, learner::LearnerRecord, word_index::WordIndex};
pub use config::Config;
pub use error::{CheckpointError, ConfigError, CorpusError, Error, IsaError, ParameterError, StepError, TrainError};
pub use events::{
    balance::{Balance, Imbalance},
    detector::{Detector, Doing},
    false_alarms::{FalseAlarms, Threshold, rate_interval},
    foresight::Foresight,
    guard::{Guard, GuardState},
    head::HeadLearner,
    ids::{Beyond, EventIds},
    online::OnlineLearner,
    verdict::{EventVerdict, SessionVerdict},
};
pub use flash::{device::BlockDevice, error::SlotError, record::RecordWriter, slots::TwoSlots};
#[cfg(feature = "alloc")]
pub use heap::AlignedVec;
pub use kernels::{Form, Matmul, Start, Workers, exp, matmul_scratch, perplexity, sigmoid, tanh};
pub use layers::time_softmax_with_loss::IGNORE;
pub use layers::{time_lstm::LstmCell, time_rnn::TanhCell};
pub use matrix::Matrix;
pub use model::{
    Model, Rnnlm, SimpleRnnlm,
    gradients::Gradients,
    memory::Memory,
    parameters::{LstmParameters, Parameters, Storage},
    score::TokenScore,
    shared::{Crew, SharedWorkspace, Workspace},
    step::Cell,
    window::Window,
};
pub use prediction::{
    predictor::Predictor,
    quantized::{cell::QuantizedCell, predictor::QuantizedPredictor, weights::Quantized},
    sampling::{Candidate, Sampler, top},
};
pub use rng::Xorshift;
pub use simd::Isa;
#[cfg(feature = "alloc")]
pub use text::{
    corpus::Corpus,
    vocabulary::{Encoded, Vocabulary, tokens},
};
pub use training::{
    batches::Batches,
    schedule::DecayOnPlateau,
    sgd::Sgd,
    state::TrainingState,
    trainer::{Progress, RnnlmTrainer},
};

pub mod guide;

/// The code in the README compiles and runs.
#[cfg(all(doctest, feature = "alloc"))]
#[doc = include_str!("../README.md")]
struct Readme;
