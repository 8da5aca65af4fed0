//! A global allocator that counts every call of the thread that asks.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

struct Counting;

thread_local! {
    /// Calls and bytes.
    static TAKEN: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
}

// SAFETY: every call goes on to the system's allocator unchanged.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        TAKEN.with(|taken| {
            let (calls, bytes) = taken.get();
            taken.set((calls + 1, bytes + layout.size()));
        });
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The calls and bytes that `work` takes from the allocator.
pub fn count<T>(work: impl FnOnce() -> T) -> (T, usize, usize) {
    let (calls, bytes) = TAKEN.get();
    let result = work();
    let (calls_after, bytes_after) = TAKEN.get();
    (result, calls_after - calls, bytes_after - bytes)
}
