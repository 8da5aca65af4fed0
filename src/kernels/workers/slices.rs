//! Passes over long slices by a team, split into blocks.

use super::{Cut, Dealt, Team};
use crate::kernels::part;

/// The elements of a block.
pub(crate) const BLOCK: usize = 4096;

/// Blocks whose results are kept at a time.
const ROUND: usize = 512;

/// What an element takes, in multiply-adds: most of it is memory.
const WORK: usize = 4;

/// Has `pass` work on all of `x` in parts, each with the place of its first element.
pub(crate) fn pass_by<T: Team>(team: T, x: &mut [f32], pass: &(dyn Fn(usize, &mut [f32]) + Sync)) {
    let (blocks, width) = (x.len().div_ceil(BLOCK), x.len());
    let parts = team.parts(width.saturating_mul(WORK), blocks, 4);
    if T::ALONE || parts < 2 {
        return pass(0, x);
    }
    if let Some(dealt) = Dealt::new([Cut { data: x, rows: 1, width, unit: BLOCK }], blocks, parts) {
        team.run(&mut [], &|_| {
            while let Some((blocks, [mut x])) = dealt.take() {
                pass(blocks.start * BLOCK, x.row(0));
            }
        });
    }
}

/// Has `result` computed of each block of `x`, and gives the results to `fold` in the order of the blocks.
pub(crate) fn fold_by<T: Team>(team: T, x: &[f32], result: &(dyn Fn(&[f32]) -> f32 + Sync), mut fold: impl FnMut(f32)) {
    let mut results = [0.0; ROUND];
    for x in x.chunks(BLOCK * ROUND) {
        let blocks = x.len().div_ceil(BLOCK);
        let parts = team.parts(x.len().saturating_mul(WORK), blocks, 4);
        let fill = |first: usize, results: &mut [f32]| {
            let blocks = part(x, first * BLOCK..).chunks(BLOCK);
            blocks.zip(results).for_each(|(block, to)| *to = result(block));
        };
        match Dealt::new([Cut { data: &mut results, rows: 1, width: blocks, unit: 1 }], blocks, parts) {
            Some(dealt) if parts > 1 => team.run(&mut [], &|_| {
                while let Some((blocks, [mut results])) = dealt.take() {
                    fill(blocks.start, results.row(0));
                }
            }),
            _ => fill(0, &mut results),
        }
        results.iter().take(blocks).for_each(|&result| fold(result));
    }
}
