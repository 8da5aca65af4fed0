//! Disjoint columns of matrices, dealt out to whoever asks first: the one place where several threads write to one
//! block of memory.
//!
//! ```text
//!              from  to
//! row 0   ......[######]......     a part: all rows of these columns, a slice for each row
//! row 1   ......[######]......     whole rows are dealt too: the columns of a matrix of one row
//! ..
//! ```
//!
//! Columns are counted in units. U units make P parts of U / P units each, the first U mod P of one more, so parts
//! don't overlap and none is left out. A part is dealt by one atomic increment that stops at P: no part is dealt twice,
//! however often and from wherever [`Dealt::take`] is called. That and the borrow of the whole matrix are all that the
//! `unsafe` here rests on: what the caller's [`Workers`](super::Workers) do, or leave undone, has no part in it.
#![allow(unsafe_code)]

use core::{marker::PhantomData, ops::Range, slice};

/// Some adjacent columns of a row-major matrix, to be written. For each i < `rows` the `width` elements from
/// `data + i * stride` on are there and this value's alone for `'a`; where there are two rows, `width <= stride`.
pub(crate) struct Columns<'a> {
    data: *mut f32,
    rows: usize,
    stride: usize,
    width: usize,
    owned: PhantomData<&'a mut [f32]>,
}

impl<'a> Columns<'a> {
    /// The leading `width` columns of so many rows that are `stride` apart. No rows where the slice is too short.
    #[inline(always)]
    pub(crate) fn of(data: &'a mut [f32], rows: usize, stride: usize, width: usize) -> Self {
        let rows = if reaches(data, rows, stride, width) { rows } else { 0 };
        Self { data: data.as_mut_ptr(), rows, stride, width, owned: PhantomData }
    }

    /// Whether the leading `rows` x `width` elements are there.
    #[inline(always)]
    pub(crate) fn covers(&self, rows: usize, width: usize) -> bool {
        rows == 0 || width == 0 || (rows <= self.rows && width <= self.width)
    }

    /// How many columns these are.
    #[inline(always)]
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// Where the first element is.
    #[inline(always)]
    pub(crate) fn as_mut_ptr(&mut self) -> *mut f32 {
        self.data
    }

    /// From one row to the next.
    #[inline(always)]
    pub(crate) fn stride(&self) -> usize {
        self.stride
    }

    /// The columns from number `left` on.
    #[inline(always)]
    pub(crate) fn from(&mut self, left: usize) -> Columns<'_> {
        let left = left.min(self.width);
        // wrapping: without rows there need not be such an element
        Columns { data: self.data.wrapping_add(left), width: self.width - left, ..*self }
    }

    /// Row i; nothing where there is none.
    pub(crate) fn row(&mut self, i: usize) -> &mut [f32] {
        if i >= self.rows {
            return &mut [];
        }
        // SAFETY: i < rows, so these elements are there and are ours; `self` is borrowed meanwhile.
        unsafe { slice::from_raw_parts_mut(self.data.wrapping_add(i * self.stride), self.width) }
    }

    /// Row i to be read and row j to be written; nothing where one of them is missing or they are the same.
    pub(crate) fn two_rows(&mut self, i: usize, j: usize) -> (&[f32], &mut [f32]) {
        if i >= self.rows || j >= self.rows || i == j {
            return (&[], &mut []);
        }
        // SAFETY: i, j < rows, so these elements are there and are ours; rows don't overlap, as width <= stride; `self`
        // is borrowed meanwhile.
        unsafe {
            (
                slice::from_raw_parts(self.data.wrapping_add(i * self.stride), self.width),
                slice::from_raw_parts_mut(self.data.wrapping_add(j * self.stride), self.width),
            )
        }
    }
}

/// Whether a slice holds `rows` rows of `width` elements, a stride apart, and these don't overlap.
#[inline(always)]
fn reaches(data: &[f32], rows: usize, stride: usize, width: usize) -> bool {
    let Some(others) = rows.checked_sub(1) else { return true };
    (others == 0 || width <= stride) && others.saturating_mul(stride).saturating_add(width) <= data.len()
}

/// A matrix to be dealt: `rows` rows of `width` columns, without padding, `unit` columns a unit. The last unit may have
/// more or fewer.
pub(crate) struct Cut<'a> {
    pub data: &'a mut [f32],
    pub rows: usize,
    pub width: usize,
    pub unit: usize,
}

/// K matrices whose columns are dealt together, in parts.
pub(crate) struct Dealt<'a, const K: usize> {
    matrices: [(*mut f32, Shape); K],
    units: usize,
    parts: usize,
    next: Counter,
    owned: PhantomData<&'a mut [f32]>,
}

#[derive(Clone, Copy)]
struct Shape {
    rows: usize,
    width: usize,
    unit: usize,
}

// SAFETY: all that can be done with a shared reference is `take`, which gives each element of the matrices to one
// caller alone; floats may be written from any thread.
unsafe impl<const K: usize> Sync for Dealt<'_, K> {}

impl<'a, const K: usize> Dealt<'a, K> {
    /// Of so many units in so many parts. `None` where a slice is shorter than its matrix, there are fewer units than
    /// parts or no parts, or the target has no atomic increment.
    pub(crate) fn new(matrices: [Cut<'a>; K], units: usize, parts: usize) -> Option<Self> {
        let fit = |m: &Cut<'_>| reaches(m.data, m.rows, m.width, m.width);
        if parts == 0 || units < parts || !matrices.iter().all(fit) {
            return None;
        }
        let matrices = matrices.map(|Cut { data, rows, width, unit }| (data.as_mut_ptr(), Shape { rows, width, unit }));
        Some(Self { matrices, units, parts, next: Counter::new()?, owned: PhantomData })
    }

    /// The next part, its units and its columns of each matrix, to this caller alone. `None` where none is left.
    pub(crate) fn take(&self) -> Option<(Range<usize>, [Columns<'_>; K])> {
        let part = self.next.next(self.parts)?;
        // P isn't 0; part P would start at U
        let (usual, longer) = (self.units.checked_div(self.parts)?, self.units.checked_rem(self.parts)?);
        let start = |part: usize| part * usual + part.min(longer);
        let units = start(part)..start(part + 1);
        let columns = self.matrices.map(|(data, Shape { rows, width, unit })| {
            let column = |at: usize| if at == self.units { width } else { at.saturating_mul(unit).min(width) };
            let (from, to) = (column(units.start), column(units.end));
            // `new` checked that `rows` rows of `width` elements are there, and the matrix is borrowed for 'a. `column`
            // doesn't fall, so the columns of parts are disjoint, and no other caller has this part.
            let stride = width;
            Columns { data: data.wrapping_add(from), rows, stride, width: to - from, owned: PhantomData }
        });
        Some((units, columns))
    }
}

use counter::Counter;

#[cfg(target_has_atomic = "ptr")]
mod counter {
    use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    /// Counts up to a bound, each number once.
    pub(super) struct Counter(AtomicUsize);

    impl Counter {
        pub(super) fn new() -> Option<Self> {
            Some(Self(AtomicUsize::new(0)))
        }

        /// The next number below `end`, given to this caller alone.
        // Relaxed: what a part is computed from was there before the job was handed out, and who waits for the job's
        // end sees what it wrote. Both come with the job itself, not with its number.
        pub(super) fn next(&self, end: usize) -> Option<usize> {
            // it stops at `end`, so that it can't come round to 0
            self.0.fetch_update(Relaxed, Relaxed, |next| (next < end).then_some(next.wrapping_add(1))).ok()
        }
    }
}

#[cfg(not(target_has_atomic = "ptr"))]
mod counter {
    /// There is none: nothing can be dealt, and one worker does all.
    pub(super) enum Counter {}

    impl Counter {
        pub(super) fn new() -> Option<Self> {
            None
        }

        pub(super) fn next(&self, _: usize) -> Option<usize> {
            match *self {}
        }
    }
}

#[cfg(test)]
mod tests;
