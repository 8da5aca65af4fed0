//! The flat row-major f32 matrix, owned or borrowed.

use crate::error::ConfigError;

/// A rows x cols matrix over any storage of f32: element (i, j) stands at `i * cols + j`. No strides, no padding.
///
/// `Matrix<Vec<f32>>` owns its elements, `Matrix<&[f32]>` and `Matrix<&mut [f32]>` are views.
///
/// ```
/// use rnnlm::Matrix;
/// let m = Matrix::new(2, 3, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0])?;
/// assert_eq!(m.row(1), Some(&[4.0, 5.0, 6.0][..]));
/// assert_eq!(m.get(0, 2), Some(3.0));
/// # Ok::<(), rnnlm::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Matrix<S> {
    rows: usize,
    cols: usize,
    data: S,
}

impl<S: AsRef<[f32]>> Matrix<S> {
    /// The matrix over `data`, which holds exactly `rows * cols` elements.
    ///
    /// # Errors
    /// [`ConfigError::MatrixLength`] for another length, [`ConfigError::TooLarge`] where the product overflows.
    pub fn new(rows: usize, cols: usize, data: S) -> Result<Self, ConfigError> {
        let needed = rows.checked_mul(cols).ok_or(ConfigError::TooLarge)?;
        let given = data.as_ref().len();
        if given == needed { Ok(Self { rows, cols, data }) } else { Err(ConfigError::MatrixLength { needed, given }) }
    }

    /// [`Self::new`] for data that is known to hold `rows * cols` elements.
    pub(crate) const fn of_its_length(rows: usize, cols: usize, data: S) -> Self {
        Self { rows, cols, data }
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    #[must_use]
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// All elements, row after row.
    #[must_use]
    pub fn as_slice(&self) -> &[f32] {
        self.data.as_ref()
    }

    /// Row `i`, `None` beyond the last.
    #[must_use]
    pub fn row(&self, i: usize) -> Option<&[f32]> {
        let start = self.start_of(i)?;
        self.as_slice().get(start..start + self.cols)
    }

    /// Element (i, j), `None` outside.
    #[must_use]
    pub fn get(&self, i: usize, j: usize) -> Option<f32> {
        self.row(i)?.get(j).copied()
    }

    /// A view of the same elements.
    #[must_use]
    pub fn view(&self) -> Matrix<&[f32]> {
        Matrix { rows: self.rows, cols: self.cols, data: self.as_slice() }
    }

    /// Where row `i` starts, `None` beyond the last.
    fn start_of(&self, i: usize) -> Option<usize> {
        (i < self.rows).then(|| i * self.cols)
    }
}

impl<'a> Matrix<&'a [f32]> {
    /// All elements, for as long as they are borrowed.
    pub(crate) fn data(&self) -> &'a [f32] {
        self.data
    }
}

impl<S: AsRef<[f32]> + AsMut<[f32]>> Matrix<S> {
    /// All elements, row after row, to be changed.
    ///
    /// ```
    /// let mut m = rnnlm::Matrix::new(2, 2, [0.0; 4])?;
    /// m.as_mut_slice()[3] = 7.0;
    /// m.row_mut(0).unwrap().fill(1.0);
    /// m.view_mut().row_mut(1).unwrap()[0] = 5.0;
    /// assert_eq!(m.view().as_slice(), [1.0, 1.0, 5.0, 7.0]);
    /// # Ok::<(), rnnlm::ConfigError>(())
    /// ```
    #[must_use]
    pub fn as_mut_slice(&mut self) -> &mut [f32] {
        self.data.as_mut()
    }

    /// Row `i` to be changed, `None` beyond the last.
    #[must_use]
    pub fn row_mut(&mut self, i: usize) -> Option<&mut [f32]> {
        let (start, cols) = (self.start_of(i)?, self.cols);
        self.as_mut_slice().get_mut(start..start + cols)
    }

    /// A mutable view of the same elements.
    #[must_use]
    pub fn view_mut(&mut self) -> Matrix<&mut [f32]> {
        Matrix { rows: self.rows, cols: self.cols, data: self.data.as_mut() }
    }
}

#[cfg(feature = "alloc")]
impl Matrix<alloc::vec::Vec<f32>> {
    /// A matrix of zeros on the heap.
    ///
    /// # Errors
    /// [`ConfigError::TooLarge`] where the size overflows, [`ConfigError::OutOfMemory`] where the allocator refuses it.
    ///
    /// ```
    /// let m = rnnlm::Matrix::zeros(2, 3)?;
    /// assert_eq!(m.as_slice(), [0.0; 6]);
    /// # Ok::<(), rnnlm::ConfigError>(())
    /// ```
    pub fn zeros(rows: usize, cols: usize) -> Result<Self, ConfigError> {
        let len = rows.checked_mul(cols).ok_or(ConfigError::TooLarge)?;
        Ok(Self { rows, cols, data: crate::heap::filled(len, 0.0)? })
    }
}

#[cfg(test)]
mod tests;
