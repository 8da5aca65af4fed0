//! x86-64: what the processor can do, and its vector instruction sets.

pub(super) mod avx2;
pub(super) mod avx512;
mod detect;
pub(super) mod sse2;
