//! The products as a function of their own, for benchmarks and for those who have other uses for them.

use super::{
    operands::{End, Left, Right, Shape, Start},
    packed_b::packed_b_len,
    product::Product,
    transposed_b::transposed_b_len,
};
use crate::{
    error::ConfigError,
    simd::{Isa, Kernel, Simd},
};

/// Which operand of a [`Matmul`] is transposed in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A (m,k) B (k,n)
    Nn,
    /// A (m,k) times the transpose of B (n,k)
    Nt,
    /// The transpose of A (k,m) times B (k,n)
    Tn,
}

/// C (m,n) = start + A B: the product that the model is made of.
///
/// Every element is one chain of fused multiply-adds in ascending k from its start, so the bits are the same on every
/// instruction set. All matrices are row-major and without padding.
///
/// ```
/// use rnnlm::{Form, Isa, Matmul, Start, matmul_scratch};
/// let (a, b) = ([1.0, 2.0, 3.0], [4.0, 5.0, 6.0]);
/// let mut c = [100.0];
/// let mut scratch = vec![0.0; matmul_scratch(Form::Nt, [1, 3, 1])];
/// let (form, start, scratch) = (Form::Nt, Start::C, &mut scratch[..]);
/// let product = Matmul { form, m: 1, k: 3, n: 1, a: &a, b: &b, c: &mut c, start, scratch };
/// product.run(Isa::detect())?;
/// assert_eq!(c, [132.0]);
/// # Ok::<(), rnnlm::ConfigError>(())
/// ```
#[derive(Debug)]
pub struct Matmul<'a> {
    /// Which operand is transposed.
    pub form: Form,
    /// The rows of A and C.
    pub m: usize,
    /// The columns of A and the rows of B: the length of a chain.
    pub k: usize,
    /// The columns of B and C.
    pub n: usize,
    /// A, m * k elements.
    pub a: &'a [f32],
    /// B, k * n elements.
    pub b: &'a [f32],
    /// C, m * n elements.
    pub c: &'a mut [f32],
    /// Where the chains start.
    pub start: Start<'a>,
    /// [`matmul_scratch`] floats, whatever they hold.
    pub scratch: &'a mut [f32],
}

impl Matmul<'_> {
    /// Computes C on this instruction set, 2 m k n flop. Slices may be longer than their shapes.
    ///
    /// # Errors
    /// [`ConfigError::BufferLength`] where a slice is shorter than its shape, [`ConfigError::TooLarge`] where a shape
    /// overflows. C is then as it was.
    pub fn run(self, isa: Isa) -> Result<(), ConfigError> {
        let &Self { form, m, k, n, a, b, ref c, start, ref scratch } = &self;
        let bias = if let Start::Bias(bias) = start { (1, n, bias.len()) } else { (0, 0, 0) };
        for (rows, cols, given) in [
            (m, k, a.len()),
            (k, n, b.len()),
            (m, n, c.len()),
            bias,
            (1, matmul_scratch(form, [m, k, n]), scratch.len()),
        ] {
            let needed = rows.checked_mul(cols).ok_or(ConfigError::TooLarge)?;
            if given < needed {
                return Err(ConfigError::BufferLength { needed, given });
            }
        }
        // with nothing to compute k is bounded by no slice
        if m > 0 && n > 0 {
            isa.run(self);
        }
        Ok(())
    }
}

/// The scratch that a [`Matmul`] of this form and m, k, n needs, in f32.
#[must_use]
pub const fn matmul_scratch(form: Form, [m, k, n]: [usize; 3]) -> usize {
    match form {
        Form::Nt => transposed_b_len([m, k, n]),
        Form::Nn | Form::Tn => packed_b_len([m, k, n]),
    }
}

impl Kernel for Matmul<'_> {
    type Output = ();
    #[inline(always)]
    fn call<S: Simd>(self, s: S) {
        let Self { form, m, k, n, a, b, c, start, scratch } = self;
        let (a, b) = match form {
            Form::Nn => (Left::rows(a, k), Right::Rows(b)),
            Form::Nt => (Left::rows(a, k), Right::Transposed(b)),
            Form::Tn => (Left::transposed(a, m), Right::Rows(b)),
        };
        Product { shape: Shape { m, k, n }, a, b, c, start, end: End::Store, scratch }.run(s);
    }
}
