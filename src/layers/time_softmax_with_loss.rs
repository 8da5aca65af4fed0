//! TimeSoftmaxWithLoss: the mean cross-entropy of the targets that count.
//!
//! ```text
//! forward    p_rv = exp(logit_rv - m_r) / s_r      m_r = max, s_r = sum of the exponentials
//!            loss = mean of ln s_r - (logit_r,target - m_r) over the M rows with a target
//! backward   dlogit_rv = (p_rv - [v = target]) / M, 0 in ignored rows
//! ```
//!
//! Subtracting the maximum makes any finite logits safe. An exponential below 2^-80.5 counts as 0; the loss comes from
//! the logits and has no such end. A row is turned into its gradient right after its loss, while it is in the cache.
//! The losses are added in ascending r; workers who split the rows note them first.

use super::TokenWindow;
use crate::{
    kernels::{Cut, Dealt, ScoreRow, SoftmaxRow, Sum, Team, clear},
    simd::Simd,
};

/// A target with this id counts neither in the loss nor in the gradient.
///
/// ```
/// use rnnlm::{Config, IGNORE, SimpleRnnlm, Xorshift};
/// let config =
///     Config { vocab_size: 5, wordvec_size: 3, hidden_size: 4, batch_size: 1, time_size: 2 };
/// let mut model = SimpleRnnlm::new(config, &mut Xorshift::new(1)).unwrap();
/// assert_eq!(model.forward(&[0, 1], &[IGNORE, IGNORE]).unwrap().loss(), 0.0);
/// ```
#[doc(alias = "ignore_label")]
#[doc(alias = "ignore_index")]
pub const IGNORE: u32 = u32::MAX;

/// The gradient of the logits, and the sum of the losses.
pub(crate) struct ForwardBackward<'a> {
    /// (T*N,V): logits, then their gradient.
    pub logits: &'a mut [f32],
    /// (T*N) floats for workers to note losses in.
    pub losses: &'a mut [f32],
    pub targets: TokenWindow<'a>,
    pub v: usize,
    /// How many targets count.
    pub count: usize,
    pub total: &'a mut Sum,
}

impl ForwardBackward<'_> {
    #[inline(always)]
    pub(crate) fn run<T: Team, S: Simd>(self, team: T, s: S) {
        let Self { logits, losses, targets, v, count, total } = self;
        let share = 1.0 / count as f32;
        let parts = parts(team, targets, v);
        if T::ALONE || parts < 2 {
            for (row, target) in logits.chunks_exact_mut(v.max(1)).zip(targets.time_major()) {
                if let Some(loss) = gradient(s, row, target, share) {
                    total.add(loss);
                }
            }
            return;
        }
        split(team, targets, [(logits, v), (&mut *losses, 1)], parts, |targets, [logits, losses]| {
            let rows = logits.chunks_exact_mut(v.max(1)).zip(losses);
            for ((row, loss), target) in rows.zip(targets) {
                *loss = gradient(s, row, target, share).unwrap_or(0.0);
            }
        });
        let counted = losses.iter().zip(targets.time_major()).filter(|&(_, target)| (target as usize) < v);
        counted.for_each(|(&loss, _)| total.add(loss));
    }
}

/// Turns a row of logits into its gradient. Its loss, if its target counts.
#[inline(always)]
fn gradient<S: Simd>(s: S, row: &mut [f32], target: u32, share: f32) -> Option<f32> {
    let target = target as usize;
    if target < row.len() {
        return Some(s.run(SoftmaxRow { row, target, share }));
    }
    clear(row);
    None
}

/// Loss and rank of each target, without a gradient. Targets are below V.
pub(crate) struct Score<'a> {
    /// (T*N,V); they don't survive it.
    pub logits: &'a mut [f32],
    /// (T*N) floats each, for workers to note losses and ranks in.
    pub notes: [&'a mut [f32]; 2],
    pub targets: TokenWindow<'a>,
    pub v: usize,
}

impl Score<'_> {
    #[inline(always)]
    pub(crate) fn run<T: Team, S: Simd>(self, team: T, s: S, visit: &mut dyn FnMut(f32, usize)) {
        let Self { logits, notes: [losses, ranks], targets, v } = self;
        let parts = parts(team, targets, v);
        if T::ALONE || parts < 2 {
            for (row, target) in logits.chunks_exact_mut(v.max(1)).zip(targets.time_major()) {
                let (loss, rank) = s.run(ScoreRow { row, target: target as usize });
                visit(loss, rank);
            }
            return;
        }
        let data = [(logits, v), (&mut *losses, 1), (&mut *ranks, 1)];
        split(team, targets, data, parts, |targets, [logits, losses, ranks]| {
            let rows = logits.chunks_exact_mut(v.max(1)).zip(losses.iter_mut().zip(ranks));
            for ((row, (to_loss, to_rank)), target) in rows.zip(targets) {
                let (loss, rank) = s.run(ScoreRow { row, target: target as usize });
                // as bits: V is below 2^32
                (*to_loss, *to_rank) = (loss, f32::from_bits(rank as u32));
            }
        });
        let noted = losses.iter().zip(ranks).take(targets.ids.len());
        noted.for_each(|(&loss, rank)| visit(loss, rank.to_bits() as usize));
    }
}

/// Into how many parts a team splits the rows. An element takes about as long as so many multiply-adds.
#[inline(always)]
fn parts<T: Team>(team: T, targets: TokenWindow<'_>, v: usize) -> usize {
    let rows = targets.ids.len();
    team.parts(rows.saturating_mul(v).saturating_mul(16), rows, 4)
}

/// Hands the rows of all these, of so many floats each, to a team, with their targets.
fn split<T: Team, const K: usize, W: Fn(&mut dyn Iterator<Item = u32>, [&mut [f32]; K]) + Sync>(
    team: T,
    targets: TokenWindow<'_>,
    data: [(&mut [f32], usize); K],
    parts: usize,
    work: W,
) {
    let rows = targets.ids.len();
    let cuts = data.map(|(data, unit)| Cut { data, rows: 1, width: rows.saturating_mul(unit), unit });
    let dealt = Dealt::new(cuts, rows, parts);
    debug_assert!(dealt.is_some(), "a slice is shorter than its shape");
    let Some(dealt) = dealt else { return };
    team.run(&mut [], &|_| {
        while let Some((rows, mut columns)) = dealt.take() {
            let mut targets = rows.filter_map(|row| targets.at(row));
            work(&mut targets, columns.each_mut().map(|columns| columns.row(0)));
        }
    });
}
