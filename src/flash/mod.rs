//! Flash memory: bytes that survive a power cut.

pub(crate) mod slots;
