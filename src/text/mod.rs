//! From text to token ids: the vocabulary, and a corpus with its own.

pub(crate) mod corpus;
pub(crate) mod vocabulary;
