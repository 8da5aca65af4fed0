//! Memory between pages that nobody may touch: an access beyond either end of a slice stops the program.

use std::slice;

use region::{Allocation, Protection};

/// Room for so many elements, with a forbidden page before it and one behind it.
pub struct Guarded {
    pages: Allocation,
    /// The bytes between the forbidden pages.
    room: usize,
}

/// Where a slice lies in its room.
#[derive(Clone, Copy, Debug)]
pub enum Place {
    /// So many elements behind the forbidden page in front; 0: right behind it.
    Front(usize),
    /// Right in front of the forbidden page behind.
    Back,
}

impl Guarded {
    /// Room for `len` f32 at every place up to `Front(15)`.
    pub fn new(len: usize) -> Self {
        let page = region::page::size();
        let room = (4 * (len + 15)).next_multiple_of(page);
        let mut pages = region::alloc(room + 2 * page, Protection::READ_WRITE).expect("memory");
        for at in [0, page + room] {
            let guard = pages.as_mut_ptr::<u8>().wrapping_add(at);
            // SAFETY: the page lies within the allocation, and nothing refers to it.
            unsafe { region::protect(guard, page, Protection::NONE) }.expect("a page of its own");
        }
        Self { pages, room }
    }

    /// A slice at a place, with these values.
    pub fn filled(&mut self, place: Place, values: &[f32]) -> &mut [f32] {
        let slice = self.slice(place, values.len());
        slice.copy_from_slice(values);
        slice
    }

    /// A slice at a place, with the values that are there.
    pub fn slice(&mut self, place: Place, len: usize) -> &mut [f32] {
        let skipped = match place {
            Place::Front(elements) => elements,
            Place::Back => self.room / 4 - len,
        };
        assert!(skipped + len <= self.room / 4, "{len} elements at {place:?}");
        let start = self.pages.as_mut_ptr::<f32>().wrapping_add(region::page::size() / 4 + skipped);
        // SAFETY: the room begins with a page, so it is aligned; it is initialised (to zeros, by the system), holds the
        // slice, as was just checked, and is borrowed for as long as the slice.
        unsafe { slice::from_raw_parts_mut(start, len) }
    }

    /// The same as bytes, right in front of the forbidden page behind.
    pub fn bytes(&mut self, values: &[u8]) -> &mut [u8] {
        assert!(values.len() <= self.room);
        let start = self.pages.as_mut_ptr::<u8>().wrapping_add(region::page::size() + self.room - values.len());
        // SAFETY: as above.
        let slice = unsafe { slice::from_raw_parts_mut(start, values.len()) };
        slice.copy_from_slice(values);
        slice
    }
}
