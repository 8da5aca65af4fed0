//! A small recurrent language model that trains and runs where nothing else fits: `no_std`, no dependency, every
//! buffer allocated once, the same bits on every machine.
//!
//! ```text
//! token ids (N,T) -> TimeEmbedding -> TimeRnn (tanh, stateful, truncated BPTT) -> TimeAffine -> TimeSoftmaxWithLoss
//! ```
//!
//! It is the `SimpleRnnlm` of "Deep Learning from Scratch 2", chapter 5. [`SimpleRnnlm`] is the model,
//! [`RnnlmTrainer`] trains it over epochs, [`Checkpoint`] keeps it, [`SimpleRnnlm::score`] judges a text by it,
//! [`Predictor`] asks it for the next word and [`Sampler`] draws one; [`OnlineLearner`] does all of that on a stream of
//! events. The [`guide`] says how it is built, where every gradient comes from,
//! and what it promises.
//!
//! ```
//! use core::ops::ControlFlow;
//! use rnnlm::{Config, Corpus, RnnlmTrainer, Sgd, SimpleRnnlm, Xorshift};
//!
//! let corpus = Corpus::from_text(&"you say goodbye and i say hello .\n".repeat(20))?;
//! let vocab_size = corpus.vocabulary().len();
//! let config = Config { vocab_size, wordvec_size: 16, hidden_size: 16, batch_size: 2, time_size: 4 };
//! let model = SimpleRnnlm::new(config, &mut Xorshift::new(1))?;
//! let mut trainer = RnnlmTrainer::new(model, Sgd::new(0.5)?)?;
//! trainer.fit(corpus.ids(), 30, |_| ControlFlow::<()>::Continue(()))?;
//! assert!(trainer.perplexities()[29] < 1.3); // of 8 words, the next one is almost certain
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
//!
//! # Symbols
//! V vocabulary size, D word vector size, H hidden size, N batch size, T time size (steps unrolled by truncated BPTT).
//!
//! # Arithmetic
//! Every matrix product element is one chain of fused multiply-adds in ascending inner index; every other sum has
//! one order, written beside its code; exp, tanh, ln, sqrt, sin and cos are this crate's own. So one training run gives
//! the same weights, bit for bit, on every instruction set, in debug and in release. Preconditions: round to
//! nearest, subnormals not flushed; NaN payloads are outside the promise. An x86 without SSE2 doesn't compile: its x87 unit
//! rounds otherwise.
//!
//! # Features
//! `alloc` (default): constructors that take their memory from the heap, [`Corpus`], [`Vocabulary`] and the trainer's list of
//! perplexities. Without it everything else works over the caller's buffers.
#![no_std]

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

pub use checkpoint::Checkpoint;
pub use config::Config;
pub use error::{CheckpointError, ConfigError, CorpusError, Error, IsaError, ParameterError, StepError, TrainError};
pub use events::online::OnlineLearner;
pub use flash::slots::{BlockDevice, SlotError, TwoSlots};
#[cfg(feature = "alloc")]
pub use heap::AlignedVec;
pub use kernels::{Form, Matmul, Start, exp, matmul_scratch, perplexity, tanh};
pub use layers::time_softmax_with_loss::IGNORE;
pub use matrix::Matrix;
pub use model::{
    SimpleRnnlm, Window,
    gradients::Gradients,
    memory::Memory,
    parameters::{Parameters, Storage},
    score::TokenScore,
};
pub use prediction::{
    predictor::Predictor,
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
