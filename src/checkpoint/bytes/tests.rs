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
