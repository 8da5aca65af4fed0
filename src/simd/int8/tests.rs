extern crate std;
use std::{vec, vec::Vec};

use super::portable;
use crate::{
    rng::Xorshift,
    simd::{Isa, Kernel, Simd},
};

struct Dot<'a> {
    rows: &'a [u8],
    x: &'a [i16],
    sums: &'a mut [i32],
}

impl Kernel for Dot<'_> {
    type Output = ();
    #[inline(always)]
    fn call<S: Simd>(self, s: S) {
        s.dot_rows(self.rows, self.x, self.sums);
    }
}

fn dot(isa: Isa, rows: &[u8], x: &[i16], count: usize) -> Vec<i32> {
    let mut sums = vec![-7; count];
    isa.run(Dot { rows, x, sums: &mut sums });
    sums
}

/// In i64, by index.
fn naive(rows: &[u8], x: &[i16], count: usize) -> Vec<i32> {
    let row = |r: usize| (0..x.len()).map(|k| i64::from(rows[r * x.len() + k] as i8) * i64::from(x[k])).sum::<i64>();
    (0..count).map(|r| i32::try_from(row(r)).unwrap()).collect()
}

/// Around every width of a block, and counts of rows around those that are taken together.
#[test]
fn every_path_sums_like_the_naive_one() {
    let mut rng = Xorshift::new(1);
    let lengths = (0..=50).chain([63, 64, 65, 95, 96, 97, 100, 112, 127, 128, 129, 191, 193]);
    // around what is split at a time
    let lengths = lengths.chain([511, 512, 513, 515, 576, 577, 1023, 1024, 1025, 1100]);
    for k in lengths {
        for count in [0, 1, 2, 3, 4, 5, 7, 8, 9, 31, 32, 39] {
            let rows: Vec<u8> = (0..k * count).map(|_| rng.below(256) as u8).collect();
            // the states of a predictor
            let x: Vec<i16> = (0..k).map(|_| (rng.below(2 * 23_637 + 1) as i32 - 23_637) as i16).collect();
            let expected = naive(&rows, &x, count);
            for isa in Isa::available() {
                assert_eq!(dot(isa, &rows, &x, count), expected, "{} {count} rows of {k}", isa.name());
            }
        }
    }
}

/// The largest magnitudes there are, of all signs.
#[test]
fn extremes_are_exact_on_every_path() {
    for k in [1, 15, 16, 17, 64, 100, 511] {
        for (w, x) in [(-128, 32_639), (-128, -32_768), (127, -32_768), (127, 32_639), (-1, -1), (1, 255), (1, -129)] {
            let (rows, x) = (vec![w as i8 as u8; 33 * k], vec![x as i16; k]);
            let expected = naive(&rows, &x, 33);
            for isa in Isa::available() {
                assert_eq!(dot(isa, &rows, &x, 33), expected, "{} {w} times {} {k} times", isa.name(), x[0]);
            }
        }
    }
}

/// Sums that leave an i32 wrap around alike.
#[test]
fn what_is_too_large_wraps_on_every_path() {
    let (rows, x) = (vec![0x80; 33 * 2500], vec![-32_768; 2500]);
    for isa in Isa::available() {
        assert_eq!(dot(isa, &rows, &x, 33), [2500_i32.wrapping_mul(1 << 22); 33], "{}", isa.name());
    }
}

/// Rows that are not there leave their sums, and nothing beyond the rows is read (an interpreter would see it).
#[test]
fn fewer_rows_than_sums() {
    let (rows, x) = (vec![1; 3 * 20 + 19], vec![1; 20]);
    for isa in Isa::available() {
        assert_eq!(dot(isa, &rows, &x, 5), [20, 20, 20, -7, -7], "{}", isa.name());
        assert_eq!(dot(isa, &rows, &x, 2), [20, 20]);
        assert_eq!(dot(isa, &[], &x, 2), [-7, -7]);
    }
    let mut sums = [1];
    portable(&[], &[], &mut sums);
    assert_eq!(sums, [0]);
    for isa in Isa::available() {
        assert_eq!(dot(isa, &[], &[], 2), [0, 0]);
    }
}
