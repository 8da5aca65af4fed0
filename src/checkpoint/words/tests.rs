extern crate std;
use std::{cell::Cell, format, string::String, vec, vec::Vec};

use super::*;
use crate::rng::Xorshift;

#[test]
fn sorts_any_order_in_n_log_n() {
    let mut rng = Xorshift::new(1);
    for len in (0..70).chain([1000, 5000]) {
        for kind in 0..4 {
            let number = |i: u64| match kind {
                0 => i,
                1 => len - i,
                2 => 7,
                _ => u64::from(rng.below(100)),
            };
            let mut items: Vec<Start> = (0..len).map(number).map(u64::to_le_bytes).collect();
            let mut expected: Vec<usize> = items.iter().map(position).collect();
            expected.sort();
            let compared = Cell::new(0);
            sort(&mut items, &|a, b| {
                compared.set(compared.get() + 1);
                position(a).cmp(&position(b))
            });
            assert!(items.iter().map(position).eq(expected));
            let most = 3 * len * u64::from(len.max(1).ilog2() + 1);
            assert!(compared.get() <= most, "{} comparisons of {len}", compared.get());
        }
    }
}

#[test]
fn the_first_word_that_stands_there_before_is_named() {
    let mut rng = Xorshift::new(1);
    for round in 0..500 {
        let len = rng.below(30) + 1;
        let words: Vec<String> = (0..len).map(|_| format!("{:b}", rng.below(2 * len))).collect();
        let first = (0..words.len()).find(|&i| words[..i].contains(&words[i]));
        let lines: String = words.iter().flat_map(|word| [word, "\n"]).collect();
        let expected = first.map(|id| CheckpointError::DuplicateWord { id: id as u32 });
        for room in 1..=words.len() {
            let mut scratch = vec![0xff; 8 * room + round % 8];
            assert_eq!(check_different(&lines, &mut scratch).err(), expected, "{words:?} in {room}");
        }
    }
}
