//! The products as a function of their own, for benchmarks and for those who have other uses for them.

use super::{
    operands::{Into, Left},
    packed_b::{product_wide, wide_len},
    transposed_b::{product_nt, scratch_len},
};
use crate::{
    error::ConfigError,
    simd::{Isa, Kernel, Simd},
};

/// Which operand of [`matmul`] stands transposed in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A (m,k) B (k,n)
    Nn,
    /// A (m,k) times the transpose of B (n,k)
    Nt,
    /// The transpose of A (k,m) times B (k,n)
    Tn,
}

/// C (m,n) = A B, or C + A B where `add` says so: the product that the model is made of. Every element is one chain of
/// fused multiply-adds in ascending k, starting from 0 or from C, so the bits are the same on every instruction set. All
/// matrices are row-major and without padding. `scratch` holds [`matmul_scratch`] floats.
///
/// ```
/// use rnnlm::{Form, Isa, matmul, matmul_scratch};
/// let (a, b) = ([1.0, 2.0, 3.0], [4.0, 5.0, 6.0]);
/// let mut c = [100.0];
/// let mut scratch = vec![0.0; matmul_scratch(Form::Nt, [1, 3, 1])];
/// matmul(Isa::detect(), Form::Nt, [1, 3, 1], &a, &b, &mut c, true, &mut scratch)?;
/// assert_eq!(c, [132.0]);
/// # Ok::<(), rnnlm::ConfigError>(())
/// ```
///
/// # Errors
/// [`ConfigError::BufferLength`] where a slice is shorter than its shape, [`ConfigError::TooLarge`] where a shape overflows.
#[allow(clippy::too_many_arguments)]
pub fn matmul(
    isa: Isa,
    form: Form,
    shape: [usize; 3],
    a: &[f32],
    b: &[f32],
    c: &mut [f32],
    add: bool,
    scratch: &mut [f32],
) -> Result<(), ConfigError> {
    let [m, k, n] = shape;
    for (rows, cols, given) in
        [(m, k, a.len()), (k, n, b.len()), (m, n, c.len()), (1, matmul_scratch(form, shape), scratch.len())]
    {
        let needed = rows.checked_mul(cols).ok_or(ConfigError::TooLarge)?;
        if given < needed {
            return Err(ConfigError::BufferLength { needed, given });
        }
    }
    // with nothing to compute k is bounded by no slice
    if m == 0 || n == 0 {
        return Ok(());
    }
    isa.run(Matmul { form, shape, a, b, c, into: if add { Into::Continue } else { Into::Set }, scratch });
    Ok(())
}

/// The scratch that [`matmul`] needs for this form and m, k, n, in f32.
#[must_use]
pub const fn matmul_scratch(form: Form, [m, k, n]: [usize; 3]) -> usize {
    match form {
        Form::Nt => scratch_len([m, k, n]),
        Form::Nn | Form::Tn => wide_len([m, k, n]),
    }
}

struct Matmul<'a> {
    form: Form,
    shape: [usize; 3],
    a: &'a [f32],
    b: &'a [f32],
    c: &'a mut [f32],
    into: Into<'a>,
    scratch: &'a mut [f32],
}

impl Kernel for Matmul<'_> {
    type Output = ();
    #[inline(always)]
    fn call<S: Simd>(self, s: S) {
        let Self { form, shape: [m, k, n], a, b, c, into, scratch } = self;
        match form {
            Form::Nn => product_wide(s, [m, k, n], Left::rows(a, k), b, c, into, scratch),
            Form::Tn => product_wide(s, [m, k, n], Left::transposed(a, m), b, c, into, scratch),
            Form::Nt => product_nt::<S, false>(s, [m, k, n], a, b, c, into, scratch),
        };
    }
}
