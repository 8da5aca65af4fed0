//! What this processor can do, asked without std: CPUID for the processor, XGETBV for the operating system.
//!
//! Under a hypervisor each CPUID takes microseconds, so as few leaves as possible are read, once, and the answer is
//! kept, in the only static of the library that is ever written. It is one byte that depends on nothing else, so
//! threads that ask at the same time do no harm.

use core::{
    arch::x86_64::{__cpuid, __cpuid_count, _xgetbv},
    sync::atomic::{AtomicU8, Ordering},
};

/// CPUID leaf 1, ECX.
const FMA: u32 = 1 << 12;
const OSXSAVE: u32 = 1 << 27;
const AVX: u32 = 1 << 28;
/// CPUID leaf 7, EBX.
const AVX2: u32 = 1 << 5;
const AVX512F: u32 = 1 << 16;
const AVX512VL: u32 = 1 << 31;
/// CPUID leaf 7, ECX.
const AVX512_VNNI: u32 = 1 << 11;
/// XCR0: the system saves the xmm and ymm registers; and the mask registers, the upper halves of zmm0 to 15 and zmm16
/// to 31.
const XMM_YMM: u64 = 0b110;
const ZMM: u64 = 0b1110_0000;

/// What is usable here; each level includes those before. 0: not asked yet.
static LEVEL: AtomicU8 = AtomicU8::new(0);
/// Beside the level: a Zen 4.
const ZEN_4: u8 = 0x80;
/// Beside the level: a second-level cache of 2 MB and more.
const LARGE_CACHE: u8 = 0x40;
/// CPUID leaf 0x8000_0006, ECX: above bit 16 the size of the second-level cache in KB.
const CACHES: u32 = 0x8000_0006;
/// CPUID leaf 1, EAX: the family, in two fields that are added, 0xf and 0xa. Of its processors Zen 4 alone has AVX-512.
const FAMILY: u32 = 0x0ff0_0f00;
const FAMILY_25: u32 = 0x00a0_0f00;
const NONE: u8 = 1;
const AVX2_AND_FMA: u8 = 2;
const AVX512: u8 = 3;
const AVX512_WITH_VNNI: u8 = 4;

/// AVX2 and FMA, usable here.
pub(super) fn avx2_and_fma() -> bool {
    cfg!(all(target_feature = "avx2", target_feature = "fma")) || level() >= AVX2_AND_FMA
}

/// AVX-512F, with AVX2 and FMA, usable here.
pub(super) fn avx512f() -> bool {
    cfg!(target_feature = "avx512f") || level() >= AVX512
}

/// VNNI and AVX-512VL, with what [`avx512f`] tells, usable here.
pub(super) fn avx512_vnni() -> bool {
    cfg!(all(target_feature = "avx512vl", target_feature = "avx512vnni")) || level() >= AVX512_WITH_VNNI
}

/// It computes 512 bits as twice 256.
pub(super) fn zen_4() -> bool {
    asked() & ZEN_4 != 0
}

pub(super) fn large_cache() -> bool {
    asked() & LARGE_CACHE != 0
}

fn level() -> u8 {
    asked() & !(ZEN_4 | LARGE_CACHE)
}

fn asked() -> u8 {
    match LEVEL.load(Ordering::Relaxed) {
        0 => {
            let answer = ask();
            LEVEL.store(answer, Ordering::Relaxed);
            answer
        }
        answer => answer,
    }
}

#[cold]
fn ask() -> u8 {
    #[cfg(test)]
    tests::ASKED.set(tests::ASKED.get() + 1);
    // An interpreter has no CPUID to ask, and in an enclave the instruction is illegal.
    if cfg!(any(miri, target_env = "sgx")) {
        return NONE;
    }
    // Newer compilers know that CPUID is safe.
    // SAFETY: outside of enclaves every x86-64 processor has the instruction.
    #[allow(unused_unsafe)]
    let leaf_1 = unsafe { __cpuid(1) };
    let needed = FMA | OSXSAVE | AVX;
    if leaf_1.ecx & needed != needed {
        return NONE;
    }
    // SAFETY: as above. Leaf 7 exists: OSXSAVE says that the system uses XSAVE, which has leaf 13 for its own.
    #[allow(unused_unsafe)]
    let leaf_7 = unsafe { __cpuid_count(7, 0) };
    // SAFETY: OSXSAVE says that XGETBV exists and is enabled.
    let saved = unsafe { xcr0() };
    let usable = |features, registers| leaf_7.ebx & features == features && saved & registers == registers;
    let level = if usable(AVX2 | AVX512F | AVX512VL, XMM_YMM | ZMM) && leaf_7.ecx & AVX512_VNNI != 0 {
        AVX512_WITH_VNNI
    } else if usable(AVX2 | AVX512F, XMM_YMM | ZMM) {
        AVX512
    } else if usable(AVX2, XMM_YMM) {
        AVX2_AND_FMA
    } else {
        return NONE;
    };
    let zen_4 = if leaf_1.eax & FAMILY == FAMILY_25 { ZEN_4 } else { 0 };
    // SAFETY: as above. Every processor with AVX2 has this leaf; another would give what says nothing of its cache.
    #[allow(unused_unsafe)]
    let kilobytes = unsafe { __cpuid(CACHES).ecx } >> 16;
    level | zen_4 | if kilobytes >= 2048 { LARGE_CACHE } else { 0 }
}

#[target_feature(enable = "xsave")]
fn xcr0() -> u64 {
    // SAFETY: register 0 exists wherever XGETBV does.
    unsafe { _xgetbv(0) }
}

#[cfg(test)]
mod tests;
