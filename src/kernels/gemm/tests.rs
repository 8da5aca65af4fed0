//! Every product on every instruction set: the bits of the written chains, at the edges of tiles, panels and blocks.

extern crate std;
use std::vec::Vec;

use super::{
    operands::{Into, Left, Right},
    pack::padded,
    packed_b::{STREAMS, WIDE, group_columns, product_row, product_wide, product_with_sums, wide_len},
    product::{Product, product, transposed_len},
    transposed_b::{block, product_nt, scratch_len},
};
use crate::{
    Isa,
    rng::Xorshift,
    simd::{Kernel, Portable, Simd},
};

fn random(rng: &mut Xorshift, len: usize) -> Vec<f32> {
    (0..len).map(|_| rng.uniform() * 2.0 - 1.0).collect()
}

struct Case<'a> {
    shape: [usize; 3],
    a: &'a [f32],
    b: &'a [f32],
    kind: Kind,
    into: Into<'a>,
    c: &'a mut [f32],
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Nn,
    Tn,
    Nt,
    Packed,
    Wide,
    WideTn,
}

impl Kernel for Case<'_> {
    type Output = bool;
    fn call<S: Simd>(self, s: S) -> bool {
        let [m, k, n] = self.shape;
        match self.kind {
            Kind::Nn => product(s, self.shape, Left::rows(self.a, k), Right::Rows(self.b), self.c, self.into),
            Kind::Tn => product(s, self.shape, Left::transposed(self.a, m), Right::Rows(self.b), self.c, self.into),
            Kind::Nt => {
                let mut scratch = std::vec![f32::NAN; scratch_len(self.shape)];
                product_nt::<S, false>(s, self.shape, self.a, self.b, self.c, self.into, &mut scratch)
            }
            Kind::Wide => {
                let mut scratch = std::vec![f32::NAN; wide_len(self.shape)];
                product_wide(s, self.shape, Left::rows(self.a, k), self.b, self.c, self.into, &mut scratch)
            }
            Kind::WideTn => {
                let mut scratch = std::vec![f32::NAN; wide_len(self.shape)];
                let [mut sums, mut expected] = [(); 2].map(|()| std::vec![0.25; n]);
                let (a, both) = (Left::transposed(self.a, m), [self.c, &mut sums]);
                let good = product_with_sums(s, self.shape, a, self.b, both, self.into, &mut scratch);
                product(s, [1, k, n], Left::ones(), Right::Rows(self.b), &mut expected, self.into);
                good && sums.iter().zip(&expected).all(|(x, y)| x.to_bits() == y.to_bits())
            }
            Kind::Packed => {
                let mut scratch = std::vec![f32::NAN; transposed_len(k, n)];
                let b = Right::transposed::<S, false>(s, self.shape, self.b, &mut scratch);
                product(s, self.shape, Left::rows(self.a, k), b, self.c, self.into)
            }
        }
    }
}

/// The definition, one element after the other.
fn by_definition(case: Case<'_>) {
    let [m, k, n] = case.shape;
    let fma = |a, b, c| Portable.fma_one(a, b, c);
    for i in 0..m {
        for j in 0..n {
            let c = &mut case.c[i * n + j];
            let mut sum = match case.into {
                Into::Bias(bias) => bias[j],
                Into::Continue => *c,
                _ => 0.0,
            };
            for p in 0..k {
                let a =
                    if matches!(case.kind, Kind::Tn | Kind::WideTn) { case.a[p * m + i] } else { case.a[i * k + p] };
                let b =
                    if matches!(case.kind, Kind::Nt | Kind::Packed) { case.b[j * k + p] } else { case.b[p * n + j] };
                sum = fma(a, b, sum);
            }
            match case.into {
                Into::Descend(rate) => *c = fma(-rate, sum, *c),
                Into::Probe(_) => {}
                _ => *c = sum,
            }
        }
    }
}

fn check(shape: [usize; 3], rng: &mut Xorshift) {
    let [m, k, n] = shape;
    let (a, b) = (random(rng, m * k), random(rng, k * n));
    let (before, bias) = (random(rng, m * n), random(rng, n));
    let choices = [Into::Set, Into::Bias(&bias), Into::Continue, Into::Descend(0.1), Into::Probe(0.1)];
    for kind in [Kind::Nn, Kind::Tn, Kind::Nt, Kind::Packed, Kind::Wide, Kind::WideTn] {
        let allowed = if matches!(kind, Kind::Nt | Kind::Packed) { 3 } else { 5 };
        for (which, &into) in choices[..allowed].iter().enumerate() {
            let mut expected = before.clone();
            by_definition(Case { shape, a: &a, b: &b, kind, into, c: &mut expected });
            for isa in Isa::available() {
                let mut ours = before.clone();
                assert!(isa.run(Case { shape, a: &a, b: &b, kind, into, c: &mut ours }));
                let same = ours.iter().zip(&expected).all(|(x, y)| x.to_bits() == y.to_bits());
                assert!(same, "{} {kind:?} {shape:?} into {which}", isa.name());
            }
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "minutes in an interpreter")]
fn every_tile_edge_has_the_bits_of_the_definition() {
    let mut rng = Xorshift::new(3);
    for m in [0, 1, 2, 3, 5, 6, 7, 11, 13, 25] {
        for k in [0, 1, 2, 9] {
            for n in [0, 1, 7, 8, 9, 15, 16, 17, 33, 63, 64, 65, 80] {
                check([m, k, n], &mut rng);
            }
        }
    }
    for shape in [
        [1, 32, 32],
        [1, 3, 129],
        [1, 2, 250],
        [8, 191, 17],
        [3, 192, 16],
        [2, 193, 9],
        [5, 600, 31],
        [30, 4, 130],
        [2, 260, 80],
        [130, 390, 70],
        [128, 2, 200],
        [65, 3, 1030],
        [64, 2, 1089],
        [64, 1, 1030],
        [64, 2, WIDE],
        [65, 2, WIDE - 1],
        [64, 0, 1030],
        [77, 5, 1045],
    ] {
        check(shape, &mut rng);
    }
}

/// Larger than a comparison with the definition has time for: the bits of the same product that isn't packed, or at once.
#[test]
#[cfg_attr(miri, ignore = "minutes in an interpreter")]
fn every_group_and_block_has_the_bits_of_the_plain_product() {
    let mut rng = Xorshift::new(15);
    let mut check = |[kind, plain]: [Kind; 2], shape: [usize; 3]| {
        let [m, k, n] = shape;
        let (a, b, before) = (random(&mut rng, m * k), random(&mut rng, k * n), random(&mut rng, m * n));
        let bias = random(&mut rng, n);
        // one lane packs nothing, and takes seconds
        for isa in Isa::available().filter(|&isa| isa != Isa::PORTABLE) {
            for into in [Into::Bias(&bias), Into::Continue] {
                let [ours, expected] = [kind, plain].map(|kind| {
                    let mut c = before.clone();
                    assert!(isa.run(Case { shape, a: &a, b: &b, kind, into, c: &mut c }));
                    c
                });
                let same = ours.iter().zip(&expected).all(|(x, y)| x.to_bits() == y.to_bits());
                assert!(same, "{} {kind:?} {shape:?}", isa.name());
            }
        }
    };
    for (k, columns) in [(0, 192), (2, 192), (512, 192), (513, 128), (768, 128), (769, 64), (usize::MAX, 64)] {
        assert_eq!(group_columns(k), columns, "{k}");
        for (m, n) in [(64, WIDE), (65, 3 * 192 + 1), (70, 4 * 192 - 1)] {
            if k < usize::MAX {
                check([Kind::Wide, Kind::Nn], [m, k, n]);
                check([Kind::WideTn, Kind::Tn], [m, k, n]);
            }
        }
    }
    for (m, n) in [127, 128, 131].into_iter().flat_map(|m| [0, 3, 16, 70, 128, 130, 144, 257].map(|n| (m, n))) {
        let [rows, _] = block(m, n);
        for k in [rows, rows + 1, 2 * rows + 5] {
            check([Kind::Nt, Kind::Packed], [m, k, n]);
        }
    }
}

const MOST: usize = 20;

/// Every shape up to 20 x 20 x 20 is a corner of the same matrices, so all their chains are beginnings of the same
/// 20 x 20 chains: `chains[k]` holds these after k steps.
fn chains(a: &[f32], b: &[f32], start: impl Fn(usize, usize) -> f32) -> Vec<Vec<f32>> {
    let mut sums: Vec<f32> = (0..MOST * MOST).map(|at| start(at / MOST, at % MOST)).collect();
    let mut chains = std::vec![sums.clone()];
    for p in 0..MOST {
        for (at, sum) in sums.iter_mut().enumerate() {
            *sum = Portable.fma_one(a[at / MOST * MOST + p], b[p * MOST + at % MOST], *sum);
        }
        chains.push(sums.clone());
    }
    chains
}

/// The leading rows x cols of a 20 x 20 matrix, or their transpose, row-major.
fn corner(x: &[f32], rows: usize, cols: usize, transposed: bool) -> Vec<f32> {
    if transposed {
        (0..rows * cols).map(|at| x[at % rows * MOST + at / rows]).collect()
    } else {
        (0..rows * cols).map(|at| x[at / cols * MOST + at % cols]).collect()
    }
}

/// Nine thousand shapes with every form, start value and epilogue: 3 s.
#[test]
#[cfg_attr(miri, ignore = "minutes in an interpreter")]
fn every_small_shape_has_the_bits_of_the_definition() {
    let mut rng = Xorshift::new(7);
    let [a, b, before] = [(); 3].map(|()| random(&mut rng, MOST * MOST));
    let (bias, rate) = (random(&mut rng, MOST), 0.1);
    let sums = chains(&a, &b, |_, _| 0.0);
    let mut descended = sums.clone();
    for (to, &w) in descended.iter_mut().flat_map(|chain| chain.iter_mut().zip(&before)) {
        *to = Portable.fma_one(-rate, *to, w);
    }
    let expected = [
        (Into::Set, sums),
        (Into::Bias(&bias), chains(&a, &b, |_, j| bias[j])),
        (Into::Continue, chains(&a, &b, |i, j| before[i * MOST + j])),
        (Into::Descend(rate), descended),
    ];
    for (m, k, n) in (0..=MOST).flat_map(|m| (0..=MOST).flat_map(move |k| (0..=MOST).map(move |n| (m, k, n)))) {
        let start = corner(&before, m, n, false);
        for kind in [Kind::Nn, Kind::Tn, Kind::Nt, Kind::Packed] {
            let a = corner(&a, m, k, kind == Kind::Tn);
            let b = corner(&b, k, n, matches!(kind, Kind::Nt | Kind::Packed));
            for (into, chains) in &expected {
                let expected = corner(&chains[k], m, n, false);
                for isa in Isa::available() {
                    let mut c = start.clone();
                    assert!(isa.run(Case { shape: [m, k, n], a: &a, b: &b, kind, into: *into, c: &mut c }));
                    let same = c.iter().zip(&expected).all(|(x, y)| x.to_bits() == y.to_bits());
                    assert!(same, "{} {kind:?} {m}x{k}x{n}: {c:?} is not {expected:?}", isa.name());
                }
            }
        }
    }
}

#[test]
fn a_probe_finds_the_step_that_overflows() {
    let mut c = [0.0, f32::MAX, f32::INFINITY];
    for (b, finite) in [([1.0, 1.0, 1.0], true), ([1e38, 0.0, 0.0], false), ([0.0, -1e33, 0.0], false)] {
        for isa in Isa::available() {
            let (a, into) = (&[10.0], Into::Probe(1.0));
            let case = Case { shape: [1, 1, 3], a, b: &b, kind: Kind::Nn, into, c: &mut c };
            assert_eq!(isa.run(case), finite, "{} {b:?}", isa.name());
        }
    }
    assert_eq!(c, [0.0, f32::MAX, f32::INFINITY]);
}

struct Row<'a>([usize; 2], &'a [f32], &'a [f32], &'a mut [f32], Into<'a>);

impl Kernel for Row<'_> {
    type Output = bool;
    fn call<S: Simd>(self, s: S) -> bool {
        let Self(shape, a, b, c, into) = self;
        product_row(s, shape, a, b, c, into)
    }
}

#[test]
fn a_row_read_in_blocks_has_the_bits_of_one_read_at_once() {
    let mut rng = Xorshift::new(21);
    // an interpreter takes minutes for all of them
    let (ns, ks): (&[usize], &[usize]) = if cfg!(miri) {
        (&[WIDE + 3], &[STREAMS + 1])
    } else {
        (&[WIDE - 1, WIDE, WIDE + 37], &[0, 1, STREAMS - 1, STREAMS, STREAMS + 1, 2 * STREAMS + 3])
    };
    for &n in ns {
        for &k in ks {
            let (a, b, bias) = (random(&mut rng, k), random(&mut rng, k * n), random(&mut rng, n));
            for (start, into) in [(&[0.0][..], Into::Set), (&bias, Into::Bias(&bias)), (&bias, Into::Continue)] {
                let chain = |j: usize| {
                    let start = if start.len() == 1 { 0.0 } else { start[j] };
                    (0..k).fold(start, |sum, p| Portable.fma_one(a[p], b[p * n + j], sum)).to_bits()
                };
                for isa in Isa::available() {
                    let mut c = bias.clone();
                    assert!(isa.run(Row([k, n], &a, &b, &mut c, into)));
                    assert!((0..n).all(|j| c[j].to_bits() == chain(j)), "{} {k} x {n}", isa.name());
                }
            }
        }
    }
}

#[test]
fn short_slices_do_nothing() {
    let (a, b, mut c) = ([1.0; 6], [1.0; 6], [5.0; 3]);
    for kind in [Kind::Nn, Kind::Tn, Kind::Nt, Kind::Packed, Kind::Wide, Kind::WideTn] {
        for isa in Isa::available() {
            assert!(!isa.run(Case { shape: [2, 3, 2], a: &a, b: &b, kind, into: Into::Set, c: &mut c }));
            assert!(!isa.run(Case { shape: [1, 7, 1], a: &a, b: &b, kind, into: Into::Set, c: &mut c }));
        }
    }
    assert_eq!(c, [5.0; 3]);
}

/// A product with B in panels, where there are any, and A a second time, one operand of which is an element too
/// short.
struct Short {
    m: usize,
    operand: &'static str,
}

impl Kernel for Short {
    type Output = (bool, Vec<f32>);

    #[inline(always)]
    fn call<S: Simd>(self, s: S) -> Self::Output {
        // a whole panel, for which A is read a second time
        let [m, k, n] = [self.m, 3, S::TILE_VECTORS * S::LANES];
        let ones = std::vec![1.0; k * padded(n).max(m)];
        let part = |operand, len: usize| &ones[..len - usize::from(operand == self.operand)];
        let b = if S::LANES > 1 { Right::Panels(part("B", k * padded(n))) } else { Right::Columns(part("B", k * n)) };
        let mut c = std::vec![5.0; m * n];
        let (a, c_len) = (Left::rows(part("A", m * k), k), m * n - usize::from(self.operand == "C"));
        let strips = part("strips", m * k);
        let product = Product { strips, ..Product::new([m, k, n], a.0, b, &mut c[..c_len], Into::Set) };
        (s.run(product), c)
    }
}

#[test]
fn one_short_operand_is_enough_to_do_nothing() {
    for isa in Isa::available() {
        for m in [1, 2, 7] {
            for operand in ["A", "B", "strips", "C"] {
                let (done, c) = isa.run(Short { m, operand });
                assert!(!done && c.iter().all(|&c| c == 5.0), "{} {m} {operand}", isa.name());
            }
            let (done, c) = isa.run(Short { m, operand: "none" });
            assert!(done && c.iter().all(|&c| c == 3.0), "{} {m}", isa.name());
        }
        for operand in ["A", "B", "C"] {
            let (done, c) = isa.run(ShortRow { operand });
            assert!(!done && c.iter().all(|&c| c == 5.0), "{} {operand}", isa.name());
        }
    }
}

/// [`Short`] for the product of one row.
struct ShortRow {
    operand: &'static str,
}

impl Kernel for ShortRow {
    type Output = (bool, Vec<f32>);

    #[inline(always)]
    fn call<S: Simd>(self, s: S) -> Self::Output {
        let [k, n] = [3, 2 * S::LANES];
        let ones = std::vec![1.0; k * padded(n)];
        let part = |operand, len: usize| &ones[..len - usize::from(operand == self.operand)];
        let b = if S::LANES > 1 { Right::Panels(part("B", k * padded(n))) } else { Right::Columns(part("B", k * n)) };
        let mut c = std::vec![5.0; n];
        let c_len = n - usize::from(self.operand == "C");
        (product(s, [1, k, n], Left::rows(part("A", k), k), b, &mut c[..c_len], Into::Set), c)
    }
}

#[test]
fn a_short_bias_or_result_does_nothing() {
    let ones = [1.0; 6];
    for (isa, m) in Isa::available().flat_map(|isa| [(isa, 1), (isa, 2)]) {
        let run = |bias: usize, c: &mut [f32]| {
            let into = Into::Bias(&ones[..bias]);
            isa.run(Case { shape: [m, 3, 2], a: &ones, b: &ones, kind: Kind::Nn, into, c })
        };
        let mut c = [5.0; 4];
        assert!(!run(1, &mut c[..2 * m]) && !run(2, &mut c[..2 * m - 1]), "{} {m}", isa.name());
        assert_eq!(c, [5.0; 4]);
        assert!(run(2, &mut c[..2 * m]));
    }
}
