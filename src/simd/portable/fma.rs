//! The exact fused multiply-add of the portable path, one of three: in hardware, in f64, in integers. Each target has
//! the fastest, and all give the same bits.

mod doubles;
pub(super) mod integers;
// Compilers for RISC-V don't tell stably whether there is an FPU (F); but F alone brings Zicsr to a target. Where that
// was asked for without F, the compiler refuses the registers of `riscv.rs`, and `--cfg rnnlm_no_fpu` mends it.
#[cfg(all(any(target_arch = "riscv32", target_arch = "riscv64"), target_feature = "zicsr", not(rnnlm_no_fpu)))]
mod riscv;

/// Whether there is one in hardware.
pub(super) const FUSED: bool =
    cfg!(all(any(target_arch = "riscv32", target_arch = "riscv64"), target_feature = "zicsr", not(rnnlm_no_fpu)));

/// Whether all floating point is emulated, so that integers are faster: on RISC-V without F and on Arm of the ABI
/// without floating-point registers.
pub(super) const IN_INTEGERS: bool = !FUSED
    && cfg!(any(target_arch = "riscv32", target_arch = "riscv64", all(target_arch = "arm", target_abi = "eabi")));

#[cfg(all(any(target_arch = "riscv32", target_arch = "riscv64"), target_feature = "zicsr", not(rnnlm_no_fpu)))]
pub(super) use riscv::fma;

/// `a * b + c` with one rounding, for every value: the portable path is the oracle of all others, so it never
/// multiplies and then adds.
#[cfg(not(all(any(target_arch = "riscv32", target_arch = "riscv64"), target_feature = "zicsr", not(rnnlm_no_fpu))))]
#[inline(always)]
pub(super) fn fma(a: f32, b: f32, c: f32) -> f32 {
    if IN_INTEGERS { integers::fma(a, b, c) } else { doubles::fma(a, b, c) }
}

#[cfg(test)]
mod tests;
