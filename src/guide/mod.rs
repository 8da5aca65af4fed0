//! The guide: what a reference page of one function can't say. Each page is a file of `src/guide/`. In the repository
//! `examples`, `tests` and `benches` have pages of their own: events, web, firmware, C, a tour, guarantees, figures.
//!
//! | page | answers |
//! |---|---|
//! | [`architecture`] | where is what, in which words, and how data flows through a step |
//! | [`equations`] | where every gradient comes from |
//! | [`reproducibility`] | what "the same bits everywhere" means, what it needs, and what it is good for |
//! | [`checkpoint_format`] | the file, byte by byte |
//! | [`firmware`] | RAM, flash, stack, cycles; flash memory that survives a power cut |
//! | [`book`] | for readers of *Deep Learning from Scratch 2*: from its classes to these, and six mistakes |
//! | [`comparison`] | against PyTorch, burn, KANN, TinyMind, AIfES: also where they are better |
//! | [`security`] | what is defended, and what is not |
//! | [`changelog`] | what changed |

#[doc = include_str!("architecture.md")]
pub mod architecture {}
#[doc = include_str!("book.md")]
pub mod book {}
#[doc = include_str!("changelog.md")]
pub mod changelog {}
#[doc = include_str!("checkpoint_format.md")]
pub mod checkpoint_format {}
#[doc = include_str!("comparison.md")]
pub mod comparison {}
#[doc = include_str!("equations.md")]
pub mod equations {}
#[doc = include_str!("firmware.md")]
pub mod firmware {}
#[doc = include_str!("reproducibility.md")]
pub mod reproducibility {}
#[doc = include_str!("security.md")]
pub mod security {}
