//! Every product on every instruction set: the bits of the written chains, at the edges of tiles, panels and blocks.

extern crate std;
use std::vec::Vec;

mod pack;

use super::{
    gemv::GEMV_KC,
    macrokernel::Macrokernel,
    operands::{End, Gemv, InPlace, Left, Probe, Right, Shape, Start},
    pack::{LONG_K, PACK_FROM_COLUMNS, PACK_FROM_ROWS, PACKED_LEN, WIDEST_NR, packed_len, padded},
    packed_b::{block_columns, packed_b_len},
    product::{Product, ProductAndSums},
    transposed_b::{Block, transposed_b_len},
};
use crate::{
    Isa,
    kernels::workers::{Alone, Columns},
    rng::Xorshift,
    simd::{Kernel, LARGE_CACHES, Portable, Simd},
};

fn random(rng: &mut Xorshift, len: usize) -> Vec<f32> {
    (0..len).map(|_| rng.uniform() * 2.0 - 1.0).collect()
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Nn,
    Tn,
    Nt,
    /// B transposed and packed before.
    PackedNt,
    /// B packed before, for many products.
    AheadNn,
    /// With scratch to pack B in.
    PackedNn,
    PackedTn,
}

impl Kind {
    const ALL: [Self; 7] =
        [Self::Nn, Self::Tn, Self::Nt, Self::PackedNt, Self::AheadNn, Self::PackedNn, Self::PackedTn];

    fn a_is_transposed(self) -> bool {
        matches!(self, Kind::Tn | Kind::PackedTn)
    }

    fn b_is_transposed(self) -> bool {
        matches!(self, Kind::Nt | Kind::PackedNt)
    }
}

struct Case<'a> {
    kind: Kind,
    shape: [usize; 3],
    a: &'a [f32],
    b: &'a [f32],
    start: Start<'a>,
    end: End<'a>,
    c: &'a mut [f32],
}

impl Kernel for Case<'_> {
    type Output = ();
    fn call<S: Simd>(self, s: S) {
        let Self { kind, shape: [m, k, n], a, b, start, end, c } = self;
        let shape = Shape { m, k, n };
        let scratch = |len: usize| std::vec![f32::NAN; len];
        let mut product_scratch = match kind {
            Kind::Nt => scratch(transposed_b_len([m, k, n])),
            Kind::PackedNn | Kind::PackedTn => scratch(packed_b_len([m, k, n])),
            Kind::Nn | Kind::Tn | Kind::PackedNt | Kind::AheadNn => scratch(0),
        };
        let mut before = scratch(packed_len(k, n));
        let a = if kind.a_is_transposed() { Left::transposed(a, m) } else { Left::rows(a, k) };
        let b_operand = match kind {
            Kind::Nt => Right::Transposed(b),
            Kind::PackedNt => Right::Transposed(b).packed(s, shape, 1, &mut before),
            Kind::AheadNn => Right::Rows(b).packed(s, shape, PACK_FROM_ROWS, &mut before),
            _ => Right::Rows(b),
        };
        let sums_are_due = kind == Kind::PackedTn && start == Start::Zero;
        if !sums_are_due {
            return Product { shape, a, b: b_operand, c, start, end, scratch: &mut product_scratch }.run_by(Alone, s);
        }
        let [mut sums, mut expected] = [(); 2].map(|()| std::vec![0.25; n]);
        ProductAndSums { shape, a, b, c, sums: &mut sums, end, scratch: &mut product_scratch }.run_by(Alone, s);
        if b.len() < k * n {
            return assert_eq!(sums, expected, "nothing is done");
        }
        by_definition(Case {
            kind: Kind::Nn,
            shape: [1, k, n],
            a: &std::vec![1.0; k],
            b,
            start,
            end,
            c: &mut expected,
        });
        assert!(same(&sums, &expected), "the sums of {m} x {k} x {n}");
    }
}

fn same(x: &[f32], y: &[f32]) -> bool {
    x.iter().zip(y).all(|(x, y)| x.to_bits() == y.to_bits())
}

/// The definition, one element after the other.
fn by_definition(case: Case<'_>) {
    let Case { kind, shape: [m, k, n], a, b, start, end, c } = case;
    let fma = |a, b, c| Portable.fma_one(a, b, c);
    for i in 0..m {
        for j in 0..n {
            let c = &mut c[i * n + j];
            let mut result = match start {
                Start::Zero => 0.0,
                Start::Bias(bias) => bias[j],
                Start::C => *c,
            };
            for p in 0..k {
                let a = if kind.a_is_transposed() { a[p * m + i] } else { a[i * k + p] };
                let b = if kind.b_is_transposed() { b[j * k + p] } else { b[p * n + j] };
                result = fma(a, b, result);
            }
            match end {
                End::Store => *c = result,
                End::Descend(rate) => *c = fma(-rate, result, *c),
                End::Probe(_) => {}
            }
        }
    }
}

fn check(shape: [usize; 3], rng: &mut Xorshift) {
    let [m, k, n] = shape;
    let (a, b) = (random(rng, m * k), random(rng, k * n));
    let (before, bias) = (random(rng, m * n), random(rng, n));
    let probe = Probe::new(0.1);
    for kind in Kind::ALL {
        for (which, start) in [Start::Zero, Start::Bias(&bias), Start::C].into_iter().enumerate() {
            for (where_to, end) in [End::Store, End::Descend(0.1), End::Probe(&probe)].into_iter().enumerate() {
                // the operands of a probe are never packed before
                if matches!(kind, Kind::PackedNt | Kind::AheadNn) && where_to == 2 {
                    continue;
                }
                let mut expected = before.clone();
                by_definition(Case { kind, shape, a: &a, b: &b, start, end, c: &mut expected });
                for isa in Isa::available() {
                    let mut c = before.clone();
                    isa.run(Case { kind, shape, a: &a, b: &b, start, end, c: &mut c });
                    assert!(same(&c, &expected), "{} {kind:?} {shape:?} {which} {where_to}", isa.name());
                }
            }
        }
    }
    assert!(probe.is_finite());
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
        [64, 2, PACK_FROM_COLUMNS],
        [65, 2, PACK_FROM_COLUMNS - 1],
        [64, 0, 1030],
        [77, 5, 1045],
        [1, 2 * GEMV_KC + 5, PACK_FROM_COLUMNS],
        [2, 3, PACK_FROM_COLUMNS + 5],
        [3, 9, PACK_FROM_COLUMNS - 1],
        [11, LONG_K, PACK_FROM_COLUMNS],
        [12, LONG_K - 1, PACK_FROM_COLUMNS],
        [12, LONG_K, PACK_FROM_COLUMNS + 1],
    ] {
        check(shape, &mut rng);
    }
}

/// Larger than a comparison with the definition has time for: the bits of the same product that isn't packed, or at
/// once.
#[test]
#[cfg_attr(miri, ignore = "minutes in an interpreter")]
fn every_block_has_the_bits_of_the_plain_product() {
    let mut rng = Xorshift::new(15);
    let mut check = |[kind, plain]: [Kind; 2], shape: [usize; 3]| {
        let [m, k, n] = shape;
        let (a, b, before) = (random(&mut rng, m * k), random(&mut rng, k * n), random(&mut rng, m * n));
        let bias = random(&mut rng, n);
        // one lane packs nothing, and takes seconds
        for isa in Isa::available().filter(|&isa| isa != Isa::SCALAR) {
            for start in [Start::Bias(&bias), Start::C] {
                let [ours, expected] = [kind, plain].map(|kind| {
                    let mut c = before.clone();
                    isa.run(Case { kind, shape, a: &a, b: &b, start, end: End::Store, c: &mut c });
                    c
                });
                assert!(same(&ours, &expected), "{} {kind:?} {shape:?}", isa.name());
            }
        }
    };
    for (k, columns) in [(0, 192), (2, 192), (512, 192), (513, 128), (768, 128), (769, 64), (usize::MAX, 64)] {
        assert_eq!([block_columns(255, k, true), block_columns(700, k, false)], [columns; 2], "{k}");
        for (m, n) in [(64, PACK_FROM_COLUMNS), (65, 3 * 192 + 1), (70, 4 * 192 - 1)] {
            if k < usize::MAX {
                check([Kind::PackedNn, Kind::Nn], [m, k, n]);
                check([Kind::PackedTn, Kind::Tn], [m, k, n]);
            }
        }
    }
    // where a unit test has a large cache
    for (k, columns) in [(255, 192), (256, 256), (768, 256), (769, 192), (1025, 128), (1537, 64), (usize::MAX, 64)] {
        assert_eq!(block_columns(256, k, true), columns, "{k}");
        if k < usize::MAX {
            check([Kind::PackedNn, Kind::Nn], [256, k, PACK_FROM_COLUMNS + 9]);
        }
    }
    // more panels than the cache holds, and panels of which it holds none
    for k in [700, 2 * PACKED_LEN / WIDEST_NR] {
        check([Kind::AheadNn, Kind::Nn], [7, k, PACK_FROM_COLUMNS + 9]);
    }
    for ([m, n, kc], large_cache) in
        [([255, 129, 768], true), ([256, 128, 768], true), ([256, 129, 1536], true), ([700, 650, 768], false)]
    {
        assert_eq!(Block::of(m, n, large_cache).kc, kc, "{m} {n}");
    }
    for (m, n) in [127, 128, 131, 256].into_iter().flat_map(|m| [0, 3, 16, 70, 128, 130, 144, 257].map(|n| (m, n))) {
        let Block { kc, .. } = Block::of(m, n, LARGE_CACHES);
        for k in [kc, kc + 1, 2 * kc + 5] {
            check([Kind::Nt, Kind::PackedNt], [m, k, n]);
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

/// Nine thousand shapes with every form, start and end: 3 s.
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
        (Start::Zero, End::Store, sums),
        (Start::Bias(&bias), End::Store, chains(&a, &b, |_, j| bias[j])),
        (Start::C, End::Store, chains(&a, &b, |i, j| before[i * MOST + j])),
        (Start::Zero, End::Descend(rate), descended),
    ];
    for (m, k, n) in (0..=MOST).flat_map(|m| (0..=MOST).flat_map(move |k| (0..=MOST).map(move |n| (m, k, n)))) {
        let in_c = corner(&before, m, n, false);
        for kind in [Kind::Nn, Kind::Tn, Kind::Nt, Kind::PackedNt] {
            let a = corner(&a, m, k, kind.a_is_transposed());
            let b = corner(&b, k, n, kind.b_is_transposed());
            for &(start, end, ref chains) in &expected {
                let expected = corner(&chains[k], m, n, false);
                for isa in Isa::available() {
                    let mut c = in_c.clone();
                    isa.run(Case { kind, shape: [m, k, n], a: &a, b: &b, start, end, c: &mut c });
                    assert!(same(&c, &expected), "{} {kind:?} {m}x{k}x{n}: {c:?} is not {expected:?}", isa.name());
                }
            }
        }
    }
}

#[test]
fn a_probe_finds_the_step_that_overflows() {
    let mut c = [0.0, f32::MAX, f32::INFINITY];
    for (b, finite) in [([1.0, 1.0, 1.0], true), ([1e38, 0.0, 0.0], false), ([0.0, -1e33, 0.0], false)] {
        for (isa, kind) in Isa::available().flat_map(|isa| [(isa, Kind::Nn), (isa, Kind::Nt)]) {
            let probe = Probe::new(1.0);
            let (start, end) = (Start::Zero, End::Probe(&probe));
            isa.run(Case { kind, shape: [1, 1, 3], a: &[10.0], b: &b, start, end, c: &mut c });
            assert_eq!(probe.is_finite(), finite, "{} {kind:?} {b:?}", isa.name());
        }
    }
    assert_eq!(c, [0.0, f32::MAX, f32::INFINITY]);
}

impl Kernel for Gemv<'_> {
    type Output = ();
    fn call<S: Simd>(self, s: S) {
        self.run(s);
    }
}

#[test]
fn a_row_read_in_blocks_has_the_bits_of_one_read_at_once() {
    let mut rng = Xorshift::new(21);
    // an interpreter takes minutes for all of them
    let (ns, ks): (&[usize], &[usize]) = if cfg!(miri) {
        (&[PACK_FROM_COLUMNS + 3], &[GEMV_KC + 1])
    } else {
        let n = PACK_FROM_COLUMNS;
        (&[n - 1, n, n + 37], &[0, 1, GEMV_KC - 1, GEMV_KC, GEMV_KC + 1, 2 * GEMV_KC + 3])
    };
    for (&n, &k) in ns.iter().flat_map(|n| ks.iter().map(move |k| (n, k))) {
        // a row may be followed by others
        for after in [0, 1, 3 * GEMV_KC] {
            let (a, b, bias) = (random(&mut rng, k + after), random(&mut rng, (k + after) * n), random(&mut rng, n));
            for start in [Start::Zero, Start::Bias(&bias), Start::C] {
                let chain = |j: usize| {
                    let first = if start == Start::Zero { 0.0 } else { bias[j] };
                    (0..k).fold(first, |sum, p| Portable.fma_one(a[p], b[p * n + j], sum))
                };
                let expected: Vec<f32> = (0..n).map(chain).collect();
                for isa in Isa::available() {
                    let mut c = bias.clone();
                    isa.run(Gemv { k, n, a: &a, b: &b, c: &mut c, start });
                    assert!(same(&c, &expected), "{} {k} x {n}, {after}", isa.name());
                }
            }
        }
    }
}

/// A debug build asserts that slices are as long as their shapes; a release build does nothing.
fn assert_refused(run: impl FnOnce()) {
    let refused = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
    assert_eq!(refused.is_err(), cfg!(debug_assertions));
}

#[test]
fn short_slices_do_nothing() {
    let (ones, mut c) = ([1.0; 64], [5.0; 8]);
    let probe = Probe::new(1.0);
    // a, b, c: one of them an element too short
    for ([m, k, n], lens) in
        [([2, 3, 2], [6, 6, 3]), ([2, 3, 2], [6, 5, 4]), ([2, 3, 2], [5, 6, 4]), ([1, 7, 1], [6, 7, 1])]
    {
        for (kind, isa) in Kind::ALL.into_iter().flat_map(|kind| Isa::available().map(move |isa| (kind, isa))) {
            for end in [End::Store, End::Descend(1.0), End::Probe(&probe)] {
                if kind == Kind::PackedNt && matches!(end, End::Probe(_)) {
                    continue;
                }
                let (a, b, c) = (&ones[..lens[0]], &ones[..lens[1]], &mut c[..lens[2]]);
                let start = Start::Zero;
                assert_refused(|| isa.run(Case { kind, shape: [m, k, n], a, b, start, end, c }));
            }
        }
    }
    assert_eq!(c, [5.0; 8]);
}

/// A product with B in panels, where there are any, and A packed too, one operand of which is an element too short.
struct Short<'a> {
    m: usize,
    operand: &'static str,
    c: &'a mut Vec<f32>,
}

impl Kernel for Short<'_> {
    type Output = ();

    #[inline(always)]
    fn call<S: Simd>(self, s: S) {
        // a panel of full width, for which A is read in packed form
        let (m, k, n) = (self.m, 3, S::TILE_VECTORS * S::LANES);
        let ones = std::vec![1.0; k * padded(n).max(m)];
        let is_short = |operand| usize::from(operand == self.operand);
        let part = |operand, len: usize| &ones[..len - is_short(operand)];
        let b =
            if S::LANES > 1 { Right::Panels(part("B", k * padded(n))) } else { Right::Transposed(part("B", k * n)) };
        self.c.resize(m * n, 5.0);
        let (a, c) = (Left::rows(part("A", m * k), k), &mut self.c[..m * n - is_short("C")]);
        let packed_a = part("packed A", m * k);
        let product = Macrokernel::new(Shape { m, k, n }, a.0, b, Columns::of(c, m, n, n), Start::Zero, None);
        s.run(Macrokernel { packed_a, ..product });
    }
}

/// [`Short`] for the product of one row.
struct ShortRow<'a> {
    operand: &'static str,
    c: &'a mut Vec<f32>,
}

impl Kernel for ShortRow<'_> {
    type Output = ();

    #[inline(always)]
    fn call<S: Simd>(self, s: S) {
        let (k, n) = (3, 2 * S::LANES);
        let ones = std::vec![1.0; k * padded(n)];
        let is_short = |operand| usize::from(operand == self.operand);
        let part = |operand, len: usize| &ones[..len - is_short(operand)];
        let b =
            if S::LANES > 1 { Right::Panels(part("B", k * padded(n))) } else { Right::Transposed(part("B", k * n)) };
        self.c.resize(n, 5.0);
        let (a, c) = (Left::rows(part("A", k), k), &mut self.c[..n - is_short("C")]);
        InPlace { shape: Shape { m: 1, k, n }, a: a.0, b, c, start: Start::Zero, end: End::Store }.run(s);
    }
}

#[test]
fn one_short_operand_is_enough_to_do_nothing() {
    for isa in Isa::available() {
        for m in [1, 2, 7] {
            for operand in ["A", "B", "packed A", "C"] {
                let mut c = Vec::new();
                assert_refused(|| isa.run(Short { m, operand, c: &mut c }));
                assert!(!c.is_empty() && c.iter().all(|&c| c == 5.0), "{} {m} {operand}", isa.name());
            }
            let mut c = Vec::new();
            isa.run(Short { m, operand: "none", c: &mut c });
            assert!(!c.is_empty() && c.iter().all(|&c| c == 3.0), "{} {m}", isa.name());
        }
        for operand in ["A", "B", "C"] {
            let mut c = Vec::new();
            assert_refused(|| isa.run(ShortRow { operand, c: &mut c }));
            assert!(!c.is_empty() && c.iter().all(|&c| c == 5.0), "{} {operand}", isa.name());
        }
    }
}

#[test]
fn a_short_bias_or_result_does_nothing() {
    let ones = [1.0; 6];
    for (isa, m) in Isa::available().flat_map(|isa| [(isa, 1), (isa, 2)]) {
        let run = |bias: usize, c: &mut [f32]| {
            let (start, end) = (Start::Bias(&ones[..bias]), End::Store);
            isa.run(Case { kind: Kind::Nn, shape: [m, 3, 2], a: &ones, b: &ones, start, end, c });
        };
        let mut c = [5.0; 4];
        assert_refused(|| run(1, &mut c[..2 * m]));
        assert_refused(|| run(2, &mut c[..2 * m - 1]));
        assert_eq!(c, [5.0; 4], "{} {m}", isa.name());
        run(2, &mut c[..2 * m]);
        assert!(c[..2 * m].iter().all(|&x| x == 4.0), "{} {m}", isa.name());
    }
}

#[test]
fn short_rows_do_nothing() {
    let ones = [1.0; 64];
    for isa in Isa::available() {
        for ([k, n], lens) in [([7, 2], [6, 14, 2]), ([7, 2], [7, 13, 2]), ([7, 2], [7, 14, 1])] {
            let mut c = [5.0; 2];
            let (a, b) = (&ones[..lens[0]], &ones[..lens[1]]);
            assert_refused(|| isa.run(Gemv { k, n, a, b, c: &mut c[..lens[2]], start: Start::Zero }));
            assert_refused(|| isa.run(Gemv { k, n, a, b, c: &mut c[..lens[2]], start: Start::Bias(&ones[..1]) }));
            assert_eq!(c, [5.0; 2], "{} {lens:?}", isa.name());
        }
    }
}

#[test]
fn short_scratch_does_nothing() {
    struct Short<'a>(&'a [f32], &'a mut [f32], usize);
    impl Kernel for Short<'_> {
        type Output = ();
        fn call<S: Simd>(self, s: S) {
            let Self(ones, c, len) = self;
            let (shape, a) = (Shape { m: 2, k: 3, n: 2 }, Left::rows(ones, 3));
            let (b, start, end) = (Right::Transposed(ones), Start::Zero, End::Store);
            Product { shape, a, b, c, start, end, scratch: &mut std::vec![0.0; len] }.run(s);
        }
    }
    for isa in Isa::available().filter(|&isa| isa != Isa::SCALAR) {
        let (mut c, len) = ([5.0; 4], transposed_b_len([2, 3, 2]));
        assert_refused(|| isa.run(Short(&[1.0; 6], &mut c, len - 1)));
        assert_eq!(c, [5.0; 4], "{}", isa.name());
        isa.run(Short(&[1.0; 6], &mut c, len));
        assert_eq!(c, [3.0; 4], "{}", isa.name());
    }
}
