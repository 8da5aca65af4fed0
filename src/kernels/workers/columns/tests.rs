extern crate std;

use std::{thread, vec, vec::Vec};

use super::{Columns, Cut, Dealt};

/// Every element belongs to one part, of all matrices the same units, whoever takes it and when.
#[test]
fn each_element_is_dealt_once() {
    for (rows, width, unit, units) in
        [(3, 10, 3, 4), (1, 9, 2, 4), (5, 7, 7, 1), (2, 6, 1, 6), (0, 4, 1, 4), (2, 0, 1, 3)]
    {
        for parts in 1..=units {
            let (mut a, mut b) = (vec![0.0; rows * width + 2], vec![0.0; units]);
            let cuts = [Cut { data: &mut a, rows, width, unit }, Cut { data: &mut b, rows: 1, width: units, unit: 1 }];
            let dealt = Dealt::new(cuts, units, parts).unwrap();
            let work = || {
                while let Some((units, [mut a, mut b])) = dealt.take() {
                    assert!(!units.is_empty());
                    (0..rows).for_each(|i| a.row(i).iter_mut().for_each(|x| *x += 1.0));
                    b.row(0).iter_mut().zip(units).for_each(|(x, unit)| *x += unit as f32);
                }
            };
            thread::scope(|scope| {
                (0..3).for_each(|_| _ = scope.spawn(work));
                work();
            });
            assert!(dealt.take().is_none());
            assert!(a[..rows * width].iter().all(|&x| x == 1.0) && a[rows * width..] == [0.0; 2]);
            assert_eq!(b, (0..units).map(|unit| unit as f32).collect::<Vec<_>>());
        }
    }
}

#[test]
fn what_does_not_fit_is_not_dealt() {
    let mut x = [0.0; 12];
    let mut deal =
        |rows, width, units, parts| Dealt::new([Cut { data: &mut x, rows, width, unit: 1 }], units, parts).is_some();
    assert!(deal(3, 4, 4, 4) && deal(1, 12, 1, 1));
    assert!(!deal(3, 5, 4, 4) && !deal(4, 4, 4, 4) && !deal(2, usize::MAX, 4, 4) && !deal(usize::MAX, 2, 4, 4));
    assert!(!deal(3, 4, 4, 0) && !deal(3, 4, 3, 4));
}

#[test]
fn columns_have_the_rows_that_are_there() {
    let mut x = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0];
    let mut columns = Columns::of(&mut x, 3, 3, 2);
    assert!(columns.covers(3, 2) && !columns.covers(4, 2) && !columns.covers(3, 3) && columns.covers(0, 9));
    assert_eq!(columns.row(2), [6.0, 7.0]);
    assert!(columns.row(3).is_empty());
    let (from, to) = columns.two_rows(0, 1);
    to.copy_from_slice(from);
    for (i, j) in [(0, 3), (3, 0), (1, 1)] {
        let (from, to) = columns.two_rows(i, j);
        assert!(from.is_empty() && to.is_empty());
    }
    assert_eq!(columns.from(1).row(1), [1.0]);
    assert_eq!(columns.from(5).width(), 0);
    assert_eq!(x, [0.0, 1.0, 2.0, 0.0, 1.0, 5.0, 6.0, 7.0]);
    // rows that are too many, or that would overlap
    assert!(!Columns::of(&mut x, 4, 3, 2).covers(1, 1));
    assert!(!Columns::of(&mut x, 2, 2, 3).covers(1, 1));
    assert!(!Columns::of(&mut x, 2, usize::MAX, 3).covers(1, 1));
}
