//! The glue to the target: its entry point and its instruction counter.

#[cfg(target_arch = "arm")]
pub use cortex_m_rt::entry;
#[cfg(target_arch = "riscv32")]
pub use riscv_rt::entry;

/// Counts instructions, where the emulator lets every one of them take 64 ns.
pub struct Instructions(#[cfg(target_arch = "arm")] cortex_m::peripheral::SYST);

#[cfg(target_arch = "arm")]
impl Instructions {
    /// The counter, `None` where it was given out before.
    pub fn new() -> Option<Self> {
        let mut timer = cortex_m::Peripherals::take()?.SYST;
        timer.set_clock_source(cortex_m::peripheral::syst::SystClkSource::Core);
        timer.set_reload(0x00ff_ffff);
        timer.clear_current();
        timer.enable_counter();
        Some(Self(timer))
    }

    /// A moment, to be told to [`Self::since`].
    pub fn now(&self) -> u32 {
        cortex_m::peripheral::SYST::get_current()
    }

    /// Instructions since that moment, 10 million at most: the timer has 24 bits.
    pub fn since(&self, before: u32) -> u32 {
        let ticks = before.wrapping_sub(self.now()) & 0x00ff_ffff;
        // the boards' clocks tick every 40 ns
        (u64::from(ticks) * 40 / 64) as u32
    }
}

#[cfg(target_arch = "riscv32")]
impl Instructions {
    /// The counter.
    pub fn new() -> Option<Self> {
        Some(Self())
    }

    /// A moment, to be told to [`Self::since`].
    pub fn now(&self) -> u32 {
        // the emulator counts nanoseconds here, and an instruction takes 64
        (riscv::register::minstret::read64() / 64) as u32
    }

    /// Instructions since that moment.
    pub fn since(&self, before: u32) -> u32 {
        self.now().wrapping_sub(before)
    }
}

impl Instructions {
    /// Instructions that `work` takes.
    pub fn count(&mut self, work: impl FnOnce()) -> u32 {
        let before = self.now();
        work();
        self.since(before)
    }
}

// Turns the FPU on before anything uses it, in the coprocessor access control register: `cortex-m-rt` does so only
// below the ABI with floating-point registers.
#[cfg(rnnlm_fpu)]
core::arch::global_asm!(
    ".section .text.__pre_init, \"ax\"
    .global __pre_init
    .type __pre_init, %function
    .thumb_func
 __pre_init:
    movw r0, #0xed88
    movt r0, #0xe000
    ldr r1, [r0]
    orr r1, r1, #0xf00000
    str r1, [r0]
    dsb
    isb
    bx lr"
);

/// A panic is a failure of the program, told to the debugger.
pub fn fail() -> ! {
    semihosting::process::exit(1)
}
