//! The depth of the stack, by painting it.

use core::{arch::asm, hint::black_box, ptr};

const PAINT: u32 = 0x5afe_57ac;
/// How far down the paint goes, in words.
const WORDS: usize = 4096;

/// The bytes of stack that `work` takes: below the frame of this function, which calls it and nothing else.
#[inline(never)]
pub fn depth(work: &mut dyn FnMut()) -> usize {
    let end: *mut u32;
    // SAFETY: reads the stack pointer.
    unsafe {
        #[cfg(target_arch = "arm")]
        asm!("mov {}, sp", out(reg) end, options(nomem, nostack, preserves_flags));
        #[cfg(target_arch = "riscv32")]
        asm!("mv {}, sp", out(reg) end, options(nomem, nostack, preserves_flags));
    }
    for i in 1..=WORDS {
        // SAFETY: RAM goes on far below, and nothing lives below the stack pointer.
        unsafe { ptr::write_volatile(end.wrapping_sub(i), PAINT) };
    }
    black_box(work)();
    // SAFETY: as above.
    let deepest = (1..=WORDS).rev().find(|&i| unsafe { ptr::read_volatile(end.wrapping_sub(i)) } != PAINT);
    4 * deepest.unwrap_or(0)
}
