use super::*;

#[test]
fn sizes_must_agree() {
    assert_eq!(Matrix::new(2, 2, [0.0; 3]), Err(ConfigError::MatrixLength { needed: 4, given: 3 }));
    assert_eq!(Matrix::new(2, 2, [0.0; 5]), Err(ConfigError::MatrixLength { needed: 4, given: 5 }));
    assert_eq!(Matrix::new(usize::MAX, 2, [0.0; 0]), Err(ConfigError::TooLarge));
}

#[test]
fn outside_is_none() -> Result<(), ConfigError> {
    let mut m = Matrix::new(2, 3, [0.0; 6])?;
    assert_eq!((m.row(2), m.get(1, 3), m.row(usize::MAX)), (None, None, None));
    assert_eq!(m.row_mut(2), None);
    let empty = Matrix::new(3, 0, [0.0; 0])?;
    assert_eq!((empty.row(2), empty.row(3)), (Some(&[][..]), None));
    Ok(())
}
