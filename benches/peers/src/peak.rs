//! The most that this core can do: fused multiply-adds that touch registers alone, in chains enough to hide their
//! latency.
#![allow(unsafe_code)]

use std::time::Instant;

/// A vector width whose peak can be measured here.
#[derive(Clone, Copy)]
pub struct Width {
    /// The path of the crate that computes in this width.
    pub isa: &'static str,
    pub registers: &'static str,
    /// Runs so many rounds of its chains and returns the floating-point operations done.
    run: fn(u64) -> u64,
}

/// The widths of this machine.
pub fn widths() -> Vec<Width> {
    #[allow(unused_mut)]
    let mut widths = Vec::new();
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            widths.push(Width { isa: "avx2", registers: "ymm", run: x86::run_ymm });
        }
        if is_x86_feature_detected!("avx512f") {
            widths.push(Width { isa: "avx512", registers: "zmm", run: x86::run_zmm });
        }
    }
    widths
}

impl Width {
    /// GFLOP/s of the fastest of about twenty milliseconds: another program may take some of them.
    pub fn measure(&self) -> f64 {
        const ROUNDS: u64 = 1 << 18;
        let (begin, mut peak) = (Instant::now(), 0.0);
        while begin.elapsed().as_secs_f64() < 0.02 {
            let start = Instant::now();
            let flop = (self.run)(ROUNDS);
            peak = f64::max(peak, flop as f64 / start.elapsed().as_secs_f64() / 1e9);
        }
        peak
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::{arch::x86_64::*, hint::black_box};

    /// Accumulators and two operands fit the 16 registers.
    const YMM_CHAINS: usize = 12;
    /// And the 32.
    const ZMM_CHAINS: usize = 24;

    // x = x * 0.5 + 1 tends to 2 and so stays normal for ever.

    pub fn run_ymm(rounds: u64) -> u64 {
        #[target_feature(enable = "avx2,fma")]
        fn chains(rounds: u64) {
            let (factor, term) = (black_box(_mm256_set1_ps(0.5)), black_box(_mm256_set1_ps(1.0)));
            let mut x = [term; YMM_CHAINS];
            for _ in 0..rounds {
                for x in &mut x {
                    *x = _mm256_fmadd_ps(*x, factor, term);
                }
            }
            black_box(x);
        }
        // SAFETY: `widths` hands this function out only where AVX2 and FMA were detected.
        unsafe { chains(rounds) };
        rounds * (YMM_CHAINS * 8 * 2) as u64
    }

    pub fn run_zmm(rounds: u64) -> u64 {
        #[target_feature(enable = "avx512f")]
        fn chains(rounds: u64) {
            let (factor, term) = (black_box(_mm512_set1_ps(0.5)), black_box(_mm512_set1_ps(1.0)));
            let mut x = [term; ZMM_CHAINS];
            for _ in 0..rounds {
                for x in &mut x {
                    *x = _mm512_fmadd_ps(*x, factor, term);
                }
            }
            black_box(x);
        }
        // SAFETY: `widths` hands this function out only where AVX-512F was detected.
        unsafe { chains(rounds) };
        rounds * (ZMM_CHAINS * 16 * 2) as u64
    }
}
