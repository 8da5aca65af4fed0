//! The one way in which this crate takes memory from the heap: refused memory is an error, never an abort.

use alloc::vec::Vec;

use crate::error::ConfigError;

/// `len` copies of `value`.
pub(crate) fn filled<T: Copy>(len: usize, value: T) -> Result<Vec<T>, ConfigError> {
    let mut data = Vec::new();
    data.try_reserve_exact(len).map_err(|_| ConfigError::OutOfMemory)?;
    data.resize(len, value);
    Ok(data)
}
