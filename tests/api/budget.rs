//! Promise: what a device needs is known before it is built. The table of the page on firmware is computed here, and
//! its formulas are those of `Config::memory` on a target without vectors.

use rnnlm::{Config, LearnerRecord};

/// V, D, H, T.
const SIZES: [[usize; 4]; 10] = [
    [16, 8, 16, 8],
    [29, 16, 32, 8],
    [64, 16, 32, 8],
    [64, 16, 32, 16],
    [128, 16, 32, 8],
    [200, 24, 48, 8],
    [256, 32, 64, 8],
    [500, 32, 64, 8],
    [1000, 32, 64, 8],
    [2000, 32, 64, 8],
];

/// A row of the table.
fn row([v, d, h, t]: [usize; 4]) -> String {
    let weights = v * d + d * h + h * h + h + h * v + v;
    let workspace = 2 * h + t * (2 * (d + h) + v + 1);
    let (prediction, ids) = (h + h.max(v), 2 * t);
    let config = Config { vocab_size: v, wordvec_size: d, hidden_size: h, batch_size: 1, time_size: t };
    let memory = config.memory().unwrap();
    assert_eq!((memory.weights, memory.prediction, memory.ids), (weights, prediction, ids));
    // with vectors there is scratch too
    let is_exact = cfg!(not(any(target_arch = "x86_64", target_arch = "aarch64")));
    assert!(memory.workspace == workspace || !is_exact && memory.workspace > workspace);

    let ram = 4 * (weights + workspace + prediction + ids);
    let record = LearnerRecord::encoded_len(config, 0).unwrap();
    let places = (128 << 10) / (16 + record.next_multiple_of(8));
    let products = d * h + h * h + h * v;
    let feed = 54 * products / 10 + 50 * v + 95 * h;
    let forward = t * feed;
    let step = forward + 2 * t * 48 * products / 10;
    let thousands = |cycles: usize| (cycles + 500) / 1000;
    let saves = if places == 0 { String::from("does not fit") } else { format!("{} 000", 20 * places) };
    let kib = ram.div_ceil(1024);
    let (step, forward, feed) = (thousands(step), thousands(forward), thousands(feed));
    format!("| {v} | {d} | {h} | {t} | {kib} | {record} | {saves} | {feed} | {step} | {forward} |")
}

#[test]
fn the_table_of_the_page_on_firmware_is_computed() {
    let page = include_str!("../../src/guide/firmware.md");
    let rows = SIZES.map(row);
    println!("{}", rows.join("\n"));
    for row in rows {
        assert!(page.contains(&row), "the page lacks {row}");
    }
}
