//! The products of a training step, for `benches/matmul.rs` and for the comparison with peers in `benches/peers/`.

use rnnlm::Form::{self, Nn, Nt, Tn};

/// Workload, form, m k n, and whether C is continued. Logits and hidden gradients of M and L are cut to 1,000 words.
pub const PRODUCTS: [(&str, Form, [usize; 3], bool); 24] = [
    ("S", Nn, [50, 100, 100], false),
    ("S", Nn, [10, 100, 100], true),
    ("S", Nn, [50, 100, 418], false),
    ("S", Nt, [50, 418, 100], false),
    ("S", Nt, [10, 100, 100], true),
    ("S", Nt, [50, 100, 100], false),
    ("S", Tn, [100, 50, 100], false),
    ("S", Tn, [100, 50, 418], false),
    ("M", Nn, [20, 100, 100], true),
    ("M", Nn, [700, 100, 1_000], false),
    ("M", Nt, [700, 1_000, 100], false),
    ("M", Tn, [100, 700, 1_000], false),
    ("L", Nn, [20, 650, 650], true),
    ("L", Nn, [700, 650, 1_000], false),
    ("L", Nt, [700, 1_000, 650], false),
    ("L", Tn, [650, 700, 1_000], false),
    ("E", Nn, [8, 16, 32], false),
    ("E", Nn, [1, 32, 32], true),
    ("E", Nn, [8, 32, 64], false),
    ("E", Nt, [8, 64, 32], false),
    ("E", Nt, [1, 32, 32], true),
    ("E", Nt, [8, 32, 16], false),
    ("E", Tn, [32, 8, 32], false),
    ("E", Tn, [32, 8, 64], false),
];
