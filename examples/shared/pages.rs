//! Memory for a model on pages of 2 MB, where the system grants them.
//!
//! A large model visits more pages of 4 KB than the processor keeps addresses of, and waits for translations. The
//! library takes the memory that it is given, so this is the caller's to ask for: one call to Linux, which may ignore
//! it. Other systems give what they give.

use std::collections::TryReserveError;

/// Bytes of a large page on x86-64, and on AArch64 with small pages of 4 KB.
const LARGE: usize = 2 << 20;
/// A model that is no larger starts a cache line instead.
const LINE: usize = 64;

/// Zeros to begin with.
pub struct Pages {
    data: Vec<f32>,
    start: usize,
    len: usize,
}

impl Pages {
    /// `len` floats, on large pages as far as they fill some.
    pub fn zeroed(len: usize) -> Result<Self, TryReserveError> {
        Self::aligned(len, if len.saturating_mul(size_of::<f32>()) >= LARGE { LARGE } else { LINE })
    }

    /// `len` floats from a cache line on, on the pages that the system gives to everyone.
    #[allow(dead_code)] // for comparisons
    pub fn small(len: usize) -> Result<Self, TryReserveError> {
        Self::aligned(len, LINE)
    }

    fn aligned(len: usize, align: usize) -> Result<Self, TryReserveError> {
        let mut data = Vec::new();
        let room = len.saturating_add(align / size_of::<f32>());
        data.try_reserve_exact(room)?;
        if align == LARGE {
            // before the first touch, which is what takes the pages
            ask_for_large_pages(&mut data);
        }
        data.resize(room, 0.0);
        // where nothing is known of addresses, any start will do
        let start = data.as_ptr().align_offset(align);
        Ok(Self { start: if start <= room - len { start } else { 0 }, data, len })
    }
}

impl AsRef<[f32]> for Pages {
    fn as_ref(&self) -> &[f32] {
        &self.data[self.start..][..self.len]
    }
}

impl AsMut<[f32]> for Pages {
    fn as_mut(&mut self) -> &mut [f32] {
        &mut self.data[self.start..][..self.len]
    }
}

/// Asks for large pages in what is reserved; a refusal costs time alone.
#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
fn ask_for_large_pages(data: &mut Vec<f32>) {
    use std::ffi::{c_int, c_void};

    unsafe extern "C" {
        fn madvise(addr: *mut c_void, len: usize, advice: c_int) -> c_int;
    }
    const MADV_HUGEPAGE: c_int = 14;

    let spare = data.spare_capacity_mut();
    let (start, bytes) = (spare.as_mut_ptr(), size_of_val(spare));
    // it takes complete pages of any size up to LARGE
    let skipped = start.align_offset(LARGE).saturating_mul(size_of::<f32>());
    let whole = bytes.saturating_sub(skipped) / LARGE * LARGE;
    if whole > 0 {
        // SAFETY: the range lies inside a reserved block that is borrowed here, and the advice changes only which pages
        // stand behind it, none of its contents.
        unsafe { madvise(start.cast::<u8>().wrapping_add(skipped).cast(), whole, MADV_HUGEPAGE) };
    }
}

#[cfg(not(target_os = "linux"))]
fn ask_for_large_pages(_: &mut Vec<f32>) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_of_every_length_are_zeros_and_aligned() {
        let large = LARGE / size_of::<f32>();
        for len in [0, 1, 15, 16, 17, large - 1, large, large + 1, 3 * large + 5] {
            let mut pages = Pages::zeroed(len).expect("a few megabytes");
            assert_eq!(pages.as_ref().len(), len);
            assert!(pages.as_ref().iter().all(|&x| x == 0.0), "{len}");
            let align = if len >= large { LARGE } else { LINE };
            assert!(pages.as_ref().as_ptr().addr().is_multiple_of(align), "{len}");
            pages.as_mut().fill(1.0);
            assert!(pages.as_ref().iter().all(|&x| x == 1.0), "{len}");
        }
    }

    /// The kernel's list of mappings says of each whether large pages were asked for.
    #[cfg(target_os = "linux")]
    #[test]
    fn large_pages_are_asked_for() {
        let pages = Pages::zeroed(2 * LARGE).expect("eight megabytes");
        let at = pages.as_ref().as_ptr().addr();
        let Ok(maps) = std::fs::read_to_string("/proc/self/smaps") else {
            return eprintln!("SKIPPED: this kernel shows no mappings");
        };
        let mut inside = false;
        for line in maps.lines() {
            let range = line.split_once(' ').and_then(|(range, _)| range.split_once('-'));
            if let Some((from, to)) = range {
                let parse = |x| usize::from_str_radix(x, 16);
                if let (Ok(from), Ok(to)) = (parse(from), parse(to)) {
                    inside = (from..to).contains(&at);
                }
            }
            if let (true, Some(flags)) = (inside, line.strip_prefix("VmFlags:")) {
                assert!(flags.split_whitespace().any(|flag| flag == "hg"), "{flags}");
                return;
            }
        }
        panic!("the block is in no mapping");
    }
}
