//! The products of two crates as one function type.
#![allow(unsafe_code)]

/// A row-major matrix, read as it stands or transposed.
#[derive(Clone, Copy)]
pub struct Operand<'a> {
    data: &'a [f32],
    rows: usize,
    cols: usize,
    row_stride: isize,
    col_stride: isize,
}

impl<'a> Operand<'a> {
    pub fn new(data: &'a [f32], cols: usize) -> Self {
        assert_eq!(data.len() % cols, 0);
        Self { data, rows: data.len() / cols, cols, row_stride: cols as isize, col_stride: 1 }
    }

    pub fn t(self) -> Self {
        let Self { data, rows, cols, row_stride, col_stride } = self;
        Self { data, rows: cols, cols: rows, row_stride: col_stride, col_stride: row_stride }
    }
}

/// C = keep * C + scale * A B, where keep = 0 means that C isn't read.
pub type Multiply = fn(scale: f32, a: Operand, b: Operand, keep: f32, c: &mut [f32]);

pub fn matrixmultiply(scale: f32, a: Operand, b: Operand, keep: f32, c: &mut [f32]) {
    let (m, k, n) = (a.rows, a.cols, b.cols);
    assert!(b.rows == k && c.len() == m * n);
    // SAFETY: `Operand::new` made sure that rows and strides stay inside the data, C has m * n elements, and being
    // borrowed mutably it overlaps neither operand.
    unsafe {
        ::matrixmultiply::sgemm(
            m,
            k,
            n,
            scale,
            a.data.as_ptr(),
            a.row_stride,
            a.col_stride,
            b.data.as_ptr(),
            b.row_stride,
            b.col_stride,
            keep,
            c.as_mut_ptr(),
            n as isize,
            1,
        );
    }
}

pub fn gemm(scale: f32, a: Operand, b: Operand, keep: f32, c: &mut [f32]) {
    let (m, k, n) = (a.rows, a.cols, b.cols);
    assert!(b.rows == k && c.len() == m * n);
    // SAFETY: as in `matrixmultiply`; this function takes the column stride before the row stride.
    unsafe {
        ::gemm::gemm(
            m,
            n,
            k,
            c.as_mut_ptr(),
            1,
            n as isize,
            keep != 0.0,
            a.data.as_ptr(),
            a.col_stride,
            a.row_stride,
            b.data.as_ptr(),
            b.col_stride,
            b.row_stride,
            keep,
            scale,
            false,
            false,
            false,
            ::gemm::Parallelism::None,
        );
    }
}
