//! Passes: products and functions of slices that an instruction set computes as a whole, where single operations would
//! cost more in moving or unpacking numbers than in computing. And the structs that they read, some in assembly.

/// The products of an instruction set. To hold a value of such a type is the proof that there are some.
pub(crate) trait Products: Copy {
    /// A product; the operands are used up.
    ///
    /// # Safety
    /// Every element that [`Operands`] describes is there, and nothing else refers to those of C.
    unsafe fn product(self, operands: &mut Operands);
    /// One element of A B.
    ///
    /// # Safety
    /// Row i of A and column j of B are there.
    unsafe fn element(self, operands: &Operands, i: usize, j: usize) -> f32;
    /// [`Self::product`] of a single row and row-major B.
    ///
    /// # Safety
    /// As [`Self::product`].
    unsafe fn gemv(self, operands: &mut Operands);
}

/// The functions of an instruction set. To hold a value of such a type is the proof that there are some.
pub(crate) trait Functions: Copy {
    /// `kernels::softmax`: a row of logits x turned into e^(x - m), in place. Gives its maximum m and the sum.
    fn exponentials(self, row: &mut [f32], constants: &'static ExpConstants) -> (f32, f32);
    /// x = factor x.
    fn scale_all(self, x: &mut [f32], factor: f32);
    /// x = tanh x.
    fn tanh(self, x: &mut [f32], constants: &'static ExpConstants);
    /// d = d (1 - h²); the shorter one ends it.
    fn tanh_backward(self, d: &mut [f32], h: &[f32]);
    /// x = sigmoid x. What it leaves over, far from 0 or at the end, is `rest`'s, a few elements at a time.
    fn sigmoid(self, x: &mut [f32], constants: &'static ExpConstants, rest: impl Fn(&mut [f32]));
}

/// Of an instruction set without passes of a kind. It has no value, so no pass is ever called on it.
#[allow(dead_code, reason = "the only instruction set of a Cortex-M with an FPU has passes")]
#[derive(Clone, Copy)]
pub(crate) enum NoPasses {}

impl Products for NoPasses {
    unsafe fn product(self, _: &mut Operands) {
        match self {}
    }
    unsafe fn element(self, _: &Operands, _: usize, _: usize) -> f32 {
        match self {}
    }
    unsafe fn gemv(self, _: &mut Operands) {
        match self {}
    }
}

impl Functions for NoPasses {
    fn exponentials(self, _: &mut [f32], _: &'static ExpConstants) -> (f32, f32) {
        match self {}
    }
    fn scale_all(self, _: &mut [f32], _: f32) {
        match self {}
    }
    fn tanh(self, _: &mut [f32], _: &'static ExpConstants) {
        match self {}
    }
    fn tanh_backward(self, _: &mut [f32], _: &[f32]) {
        match self {}
    }
    fn sigmoid(self, _: &mut [f32], _: &'static ExpConstants, _: impl Fn(&mut [f32])) {
        match self {}
    }
}

/// C (m,n) from A (m,k) and B (k,n) as addresses and strides, in elements. A and B are row-major, or one of them the
/// transpose of what is; a single row of A may have any stride. Assembly reads it.
#[allow(dead_code, reason = "passes alone read it")]
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Operands {
    pub b: *const f32,
    /// The rows of C are contiguous.
    pub c: *mut f32,
    /// Where the chains start: at zero where null, else at elements whose rows are contiguous too; they may be those
    /// of C, each its own.
    pub start: *const f32,
    pub n: usize,
    pub k: usize,
    pub a: *const f32,
    pub a_row: usize,
    pub a_col: usize,
    pub b_row: usize,
    pub b_col: usize,
    /// 1; a pass may write 0 here, for one start that serves all columns.
    pub start_col: usize,
    pub c_row: usize,
    pub start_row: usize,
    pub m: usize,
    pub rate: f32,
    /// Where not 0, C = fma(-rate, A B, C) instead of C = start + A B. A word, which short instructions load.
    pub descends: u32,
}

/// The constants of exp, tanh and sigmoid, whose values and meaning `kernels::exp` has. Assembly reads it, two elements
/// at a time: the pairs are where chains start, loaded anew for every two elements; what follows stays in registers.
#[allow(dead_code, reason = "assembly alone reads it")]
#[repr(C)]
pub(crate) struct ExpConstants {
    pub round_pair: [f32; 2],
    pub q3_pair: [f32; 2],
    pub q2_pair: [f32; 2],
    pub q1_pair: [f32; 2],
    pub q0_pair: [f32; 2],
    pub log2_e: f32,
    pub round: f32,
    pub ln2_hi: f32,
    pub minus_ln2_lo: f32,
    pub q4: f32,
    pub one: f32,
    pub two: f32,
    pub half: f32,
    /// From here on tanh is 1.
    pub tanh_end: f32,
    /// -24, the least power of tanh, plus `round`.
    pub round_minus_24: f32,
    /// From here down the exponential of the softmax is 0.
    pub far: f32,
}
