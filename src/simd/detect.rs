//! What this processor can do, asked without std: CPUID for the processor, XGETBV for the operating system.

use core::arch::x86_64::{__cpuid, __cpuid_count, _xgetbv};

/// CPUID leaf 1, ECX.
const FMA: u32 = 1 << 12;
const OSXSAVE: u32 = 1 << 27;
const AVX: u32 = 1 << 28;
/// CPUID leaf 7, EBX.
const AVX2: u32 = 1 << 5;
const AVX512F: u32 = 1 << 16;
/// XCR0: the system saves the xmm and ymm registers; and the mask registers, the upper halves of zmm0 to 15 and zmm16 to 31.
const XMM_YMM: u64 = 0b110;
const ZMM: u64 = 0b1110_0000;

/// AVX2 and FMA, usable here.
pub(super) fn avx2_and_fma() -> bool {
    cfg!(all(target_feature = "avx2", target_feature = "fma")) || usable(AVX2, XMM_YMM)
}

/// AVX-512F, with AVX2 and FMA, usable here.
pub(super) fn avx512f() -> bool {
    cfg!(target_feature = "avx512f") || usable(AVX2 | AVX512F, XMM_YMM | ZMM)
}

/// FMA and these features of leaf 7, with these registers saved by the system.
fn usable(features: u32, registers: u64) -> bool {
    // An interpreter has no CPUID to ask.
    if cfg!(miri) {
        return false;
    }
    // Newer compilers know that this is safe.
    // SAFETY: every x86-64 processor has the instruction.
    #[allow(unused_unsafe)]
    let (highest_leaf, leaf_1, leaf_7) = unsafe { (__cpuid(0).eax, __cpuid(1).ecx, __cpuid_count(7, 0).ebx) };
    let needed = FMA | OSXSAVE | AVX;
    if highest_leaf < 7 || leaf_1 & needed != needed || leaf_7 & features != features {
        return false;
    }
    // SAFETY: OSXSAVE says that XGETBV exists and is enabled.
    let saved = unsafe { xcr0() };
    saved & registers == registers
}

#[target_feature(enable = "xsave")]
fn xcr0() -> u64 {
    // SAFETY: register 0 exists wherever XGETBV does.
    unsafe { _xgetbv(0) }
}
