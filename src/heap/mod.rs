//! The heap, where there is one: refused memory is an error, never an abort. What models are made of where no other
//! memory is named.

#[cfg(feature = "alloc")]
mod aligned_vec;

#[cfg(feature = "alloc")]
pub use aligned_vec::AlignedVec;
#[cfg(feature = "alloc")]
pub(crate) use aligned_vec::filled;

/// Floats where no memory is named.
#[cfg(feature = "alloc")]
pub(crate) type Floats = AlignedVec;
/// Token ids where no memory is named.
#[cfg(feature = "alloc")]
pub(crate) type Ids = alloc::vec::Vec<u32>;

#[cfg(not(feature = "alloc"))]
pub(crate) use {NoHeap as Floats, NoHeap as Ids};

/// Stands for the heap's memory where there is no heap: nothing can be made of it.
#[cfg(not(feature = "alloc"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoHeap {}

#[cfg(not(feature = "alloc"))]
impl<T> AsRef<[T]> for NoHeap {
    fn as_ref(&self) -> &[T] {
        match *self {}
    }
}

#[cfg(not(feature = "alloc"))]
impl<T> AsMut<[T]> for NoHeap {
    fn as_mut(&mut self) -> &mut [T] {
        match *self {}
    }
}
