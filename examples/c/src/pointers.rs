//! Memory of the caller: from pointers to slices, after all that can be checked.

use core::{ptr::NonNull, slice, slice::from_raw_parts};

use rnnlm::ConfigError;

use crate::{
    errors::{MISALIGNED, NULL_POINTER, OVERLAP},
    status::Failure,
};

/// That something can be there.
#[inline(always)]
pub fn check<T>(start: *const T) -> Result<(), Failure> {
    check_start(start.cast(), align_of::<T>())
}

/// [`check`], one function for all types: flash is short.
#[inline(never)]
pub fn check_start(start: *const u32, align: usize) -> Result<(), Failure> {
    if start.is_null() {
        Err(NULL_POINTER.into())
    } else if start.addr() & (align - 1) != 0 {
        Err(MISALIGNED.into())
    } else {
        Ok(())
    }
}

/// That `len` elements can be there.
#[inline(never)]
fn check_all(start: *const u32, align: usize, len: usize) -> Result<(), Failure> {
    check_start(start, align)?;
    if len > isize::MAX as usize / 16 { Err(ConfigError::TooLarge.into()) } else { Ok(()) }
}

/// That `needed` of `given` elements can be there.
#[inline(never)]
fn check_lent(start: *const u32, align: usize, given: usize, needed: usize) -> Result<(), Failure> {
    check_all(start, align, needed)?;
    if given < needed { Err(ConfigError::BufferLength { needed, given }.into()) } else { Ok(()) }
}

/// That two pieces of memory, by address and bytes, have nothing in common.
#[inline(never)]
pub fn check_apart(a: usize, a_len: usize, b: usize, b_len: usize) -> Result<(), Failure> {
    // the distance from one start to the other, around the end of memory where it lies before
    if b.wrapping_sub(a) < a_len || a.wrapping_sub(b) < b_len { Err(OVERLAP.into()) } else { Ok(()) }
}

/// Where `len` elements are: the pointer, or any address where there are none, whatever the pointer. One function for
/// all slices: flash is short.
#[inline(never)]
fn start_of(start: *mut u64, align: usize, len: usize) -> Result<NonNull<u64>, Failure> {
    if len == 0 {
        return Ok(NonNull::dangling());
    }
    check_all(start.cast(), align, len)?;
    NonNull::new(start).ok_or(NULL_POINTER.into())
}

/// The elements that the caller shows; none where there are none, whatever the pointer.
///
/// # Safety
/// The pointer is null, or `len` elements are there that nobody changes meanwhile.
#[inline(always)]
pub unsafe fn slice<'a, T>(start: *const T, len: usize) -> Result<&'a [T], Failure> {
    const { assert!(size_of::<T>() <= 16 && align_of::<T>() <= align_of::<u64>()) };
    let start = start_of(start.cast_mut().cast(), align_of::<T>(), len)?;
    // SAFETY: aligned, not null, not longer than can be addressed; the rest is the caller's promise.
    Ok(unsafe { from_raw_parts(start.as_ptr().cast(), len) })
}

/// The elements that the caller lends.
///
/// # Safety
/// The pointer is null, or `len` elements are there that nobody else uses meanwhile.
#[inline(always)]
pub unsafe fn slice_mut<'a, T>(start: *mut T, len: usize) -> Result<&'a mut [T], Failure> {
    const { assert!(size_of::<T>() <= 16 && align_of::<T>() <= align_of::<u64>()) };
    let start = start_of(start.cast(), align_of::<T>(), len)?;
    // SAFETY: as in `slice`.
    Ok(unsafe { slice::from_raw_parts_mut(start.as_ptr().cast(), len) })
}

/// Writes what a function found, where the caller wants to know it.
///
/// # Safety
/// The pointer is null, or there is room for a value, which may be anything.
#[inline(always)]
pub unsafe fn tell<T>(to: *mut T, value: T) {
    if !to.is_null() && to.is_aligned() {
        // SAFETY: aligned, not null; the rest is the caller's promise.
        unsafe { to.write(value) }
    }
}

/// Memory that the caller has lent for longer than a call. It is looked at during calls alone, so handles may share it,
/// and the caller may read it in between.
pub struct Block<T> {
    start: *mut T,
    len: usize,
}

impl<T> Clone for Block<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Block<T> {}

impl<T> Block<T> {
    /// The first `needed` of `given` elements; there may be more.
    ///
    /// # Safety
    /// The pointer is null, or so many elements are there as long as the block is used, and only calls of this library
    /// change them.
    #[inline(always)]
    pub unsafe fn new(start: *mut T, given: usize, needed: usize) -> Result<Self, Failure> {
        const { assert!(size_of::<T>() <= 16) };
        check_lent(start.cast(), align_of::<T>(), given, needed)?;
        Ok(Self { start, len: needed })
    }

    /// Refuses memory that is this one's too.
    pub fn check_apart<U>(&self, other: &[U]) -> Result<(), Failure> {
        check_apart(self.start.addr(), self.len * size_of::<T>(), other.as_ptr().addr(), size_of_val(other))
    }

    /// Its first element.
    pub fn start(&self) -> *const T {
        self.start
    }
}

impl<T> AsRef<[T]> for Block<T> {
    #[inline(always)]
    fn as_ref(&self) -> &[T] {
        // SAFETY: by `new`: so many elements are there, and during a call nobody else changes them.
        unsafe { from_raw_parts(self.start, self.len) }
    }
}

impl<T> AsMut<[T]> for Block<T> {
    #[inline(always)]
    fn as_mut(&mut self) -> &mut [T] {
        // SAFETY: by `new`; one call uses one handle, and that handle's blocks are apart.
        unsafe { slice::from_raw_parts_mut(self.start, self.len) }
    }
}
