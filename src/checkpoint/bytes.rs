//! Little-endian f32 in bytes: read one by one anywhere, or where they stand if they are aligned.
#![allow(unsafe_code)]

use core::slice;

/// The numbers in these bytes; an incomplete last one is left out.
pub(crate) fn floats(bytes: &[u8]) -> impl Iterator<Item = f32> + '_ {
    bytes.chunks_exact(4).map(|four| four.first_chunk().map_or(0.0, |&four| f32::from_le_bytes(four)))
}

/// The same numbers in place; `None` where the bytes are not aligned to four, not whole numbers, or not in this
/// machine's order.
pub(crate) fn view(bytes: &[u8]) -> Option<&[f32]> {
    let start = bytes.as_ptr().cast::<f32>();
    if cfg!(target_endian = "big") || !start.is_aligned() || !bytes.len().is_multiple_of(4) {
        return None;
    }
    // SAFETY: the pointer is aligned and the bytes behind it are len / 4 times four initialised ones that stay borrowed
    // for the same lifetime; every bit pattern is an f32.
    Some(unsafe { slice::from_raw_parts(start, bytes.len() / 4) })
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::vec::Vec;

    use super::*;

    #[test]
    fn a_view_needs_alignment_and_whole_numbers() {
        let numbers = [1.5_f32, -2.0, f32::MIN_POSITIVE, 3e38];
        let mut bytes = std::vec![0_u8; 24];
        let start = bytes.as_ptr().align_offset(4);
        for shift in 0..4 {
            let at = start + shift;
            for (to, x) in bytes[at..].chunks_exact_mut(4).zip(numbers) {
                to.copy_from_slice(&x.to_le_bytes());
            }
            let part = &bytes[at..at + 16];
            assert_eq!(floats(part).collect::<Vec<_>>(), numbers);
            if shift == 0 && cfg!(target_endian = "little") {
                assert_eq!(view(part), Some(&numbers[..]));
                assert_eq!(view(&part[..15]), None);
            } else {
                assert_eq!(view(part), None);
            }
        }
    }
}
