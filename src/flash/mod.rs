//! Flash memory: bytes that survive a power cut.

pub(crate) mod device;
pub(crate) mod error;
pub(crate) mod record;
pub(crate) mod slots;
