extern crate std;
use core::cell::Cell;
use std::arch::is_x86_feature_detected;

use super::*;
use crate::Isa;

std::thread_local! {
    /// How often this thread asked the processor.
    pub(super) static ASKED: Cell<usize> = const { Cell::new(0) };
}

#[test]
fn the_processor_is_asked_once() {
    let best = Isa::detect();
    let asked = ASKED.get();
    assert!(asked <= 1, "{asked}");
    for _ in 0..3 {
        assert_eq!((Isa::detect(), Isa::available().last()), (best, Some(best)));
    }
    assert_eq!(ASKED.get(), asked);
}

#[test]
fn std_finds_the_same() {
    // an interpreter knows what is compiled in alone
    let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    assert_eq!(avx2_and_fma(), avx2);
    let avx512 = avx2 && is_x86_feature_detected!("avx512f");
    assert_eq!(avx512f(), avx512);
    let vnni = is_x86_feature_detected!("avx512vl") && is_x86_feature_detected!("avx512vnni");
    assert_eq!(avx512_vnni(), avx512 && vnni);
}
