//! Memory of a fixed length from the heap, which may be refused: floats that start a cache line, and all else.

use alloc::vec::Vec;
use core::{
    fmt,
    ops::{Deref, DerefMut},
};

use crate::{
    error::ConfigError,
    kernels::{before_line, with_room_to_align},
    simd::PACKS,
};

/// `len` copies of `value`.
pub(crate) fn filled<T: Copy>(len: usize, value: T) -> Result<Vec<T>, ConfigError> {
    let mut data = Vec::new();
    data.try_reserve_exact(len).map_err(|_| ConfigError::OutOfMemory)?;
    data.resize(len, value);
    Ok(data)
}

/// Floats on the heap that start a cache line of 64 bytes: what models that own their memory are made of. Allocators
/// promise 16 bytes, and vectors across two lines slow a small model down. It takes 60 bytes more than its elements; as
/// many as these where the target has no vectors. Its length is fixed.
///
/// ```
/// use rnnlm::{AlignedVec, Config, SimpleRnnlm, Xorshift};
/// let config =
///     Config { vocab_size: 5, wordvec_size: 3, hidden_size: 4, batch_size: 1, time_size: 2 };
/// let memory = config.memory()?;
/// let weights = AlignedVec::zeroed(memory.weights)?;
/// let workspace = AlignedVec::zeroed(memory.workspace)?;
/// let mut model = SimpleRnnlm::with_buffers(config, weights, workspace)?;
/// model.initialize(&mut Xorshift::new(1));
/// let same: SimpleRnnlm = SimpleRnnlm::new(config, &mut Xorshift::new(1))?;
/// assert_eq!(model.weights_block(), same.weights_block());
/// # Ok::<(), rnnlm::ConfigError>(())
/// ```
///
/// It is used as a slice is:
///
/// ```
/// let mut floats = rnnlm::AlignedVec::zeroed(3)?;
/// floats[1] = 2.0;
/// assert_eq!((floats.len(), floats.iter().sum::<f32>()), (3, 2.0));
/// # Ok::<(), rnnlm::ConfigError>(())
/// ```
pub struct AlignedVec {
    /// What stands before the line, then the elements.
    data: Vec<f32>,
    start: usize,
}

impl AlignedVec {
    /// `len` zeros.
    ///
    /// # Errors
    /// [`ConfigError::OutOfMemory`] where the allocator refuses the memory.
    pub fn zeroed(len: usize) -> Result<Self, ConfigError> {
        filled(Self::room(len), 0.0).map(|data| Self::within(data, len))
    }

    /// What `len` elements take: just that where no instruction set has vectors.
    const fn room(len: usize) -> usize {
        if PACKS { with_room_to_align(len) } else { len }
    }

    /// `len` elements from the first line of `data` on, which is as long as `room` says.
    fn within(mut data: Vec<f32>, len: usize) -> Self {
        let start = if PACKS && len > 0 { before_line(&data) } else { 0 };
        data.truncate(start + len);
        Self { data, start }
    }
}

impl AsRef<[f32]> for AlignedVec {
    fn as_ref(&self) -> &[f32] {
        self.data.get(self.start..).unwrap_or_default()
    }
}

impl AsMut<[f32]> for AlignedVec {
    fn as_mut(&mut self) -> &mut [f32] {
        self.data.get_mut(self.start..).unwrap_or_default()
    }
}

impl Deref for AlignedVec {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        self.as_ref()
    }
}

impl DerefMut for AlignedVec {
    fn deref_mut(&mut self) -> &mut [f32] {
        self.as_mut()
    }
}

impl PartialEq for AlignedVec {
    fn eq(&self, other: &Self) -> bool {
        self.as_ref() == other.as_ref()
    }
}

impl fmt::Debug for AlignedVec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_ref().fmt(f)
    }
}

impl Clone for AlignedVec {
    /// As `Vec` does, aborts where the allocator refuses the memory.
    fn clone(&self) -> Self {
        // a copy stands elsewhere, and its first line too
        let len = self.as_ref().len();
        let mut copy = Self::within(alloc::vec![0.0; Self::room(len)], len);
        copy.as_mut().copy_from_slice(self.as_ref());
        copy
    }
}

#[cfg(test)]
mod tests;
