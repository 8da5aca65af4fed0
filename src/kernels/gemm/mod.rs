//! The matrix products of the model, C (m,n) = A (m,k) B (k,n), blocked as in BLIS.
//!
//! The idea: each element of C is ONE chain of fused multiply-adds in ascending k, however the work is cut. Vectors run
//! over columns of C, and a chain that is interrupted rests in C. So blocks, tiles and vector width don't show in the
//! result.
//!
//! | word | meaning | here |
//! |---|---|---|
//! | MR, NR | rows and columns of the microkernel's tile of C, in registers | 6 x 64 on AVX-512, 6 x 16 on AVX2 |
//! | panel | NR columns of B (or MR rows of A), packed so that the microkernel reads them in order | `pack.rs` |
//! | KC | rows of B in a block | all of k, but in `transposed_b.rs` and `gemv.rs` |
//! | NC | columns of B in a block, which stays in the second-level cache | at most 256 columns, and 384 or 768 KB |
//! | MC | rows of A in a block | all of m: it is at most N T, D or H |
//! | gemv | the product of a single row | `single_row.rs`; from a B in memory `gemv.rs` |
//!
//! The loops of BLIS around the microkernel (van Zee and van de Geijn, BLIS: a framework for rapidly instantiating BLAS
//! functionality, ACM TOMS 41(3), 2015), from the outside:
//!
//! | loop | over | where |
//! |---|---|---|
//! | 5 | blocks of NC columns | `packed_b.rs`, `transposed_b.rs` |
//! | 4 | blocks of KC of k | `transposed_b.rs`, outside loop 5 |
//! | 3 | blocks of MC rows | none |
//! | 2 | panels of NR columns | `macrokernel.rs`, inside loop 1: the rows of A stay in the first-level cache |
//! | 1 | blocks of MR rows | `macrokernel.rs` |
//! | | k | `microkernel.rs` |
//!
//! A is read by single elements, so a transposed A costs nothing where it is small. Which product goes where, on a path
//! with vectors:
//!
//! | product | m, k, n | way |
//! |---|---|---|
//! | z = b + x Wx | N T, D, H | packed B where it has 512 columns and N T >= 64 (12 if k >= 256), else in place |
//! | z += h Wh | N, H, H | as x Wx, but packed once for all T steps; N = 1: `../recurrence/`, or gemv where H >= 512 |
//! | logits = b + h W | N T, H, V | as x Wx; N T = 1: gemv where V >= 512 |
//! | dh = dlogits W^T | N T, V, H | transposed B; panels where the forward pass has packed them |
//! | dh += dz Wh^T | N, H, H | packed once for all T steps |
//! | dx = dz Wx^T | N T, H, D | as dh |
//! | dW, db | H, N T, V | packed B where V >= 512 and H >= 64 (12 if N T >= 256), else in place |
//! | dWx; dWh, db | D or H, N T, H | as dW |
//! | prediction | 1, D or H, H or V | gemv |
//! | a [`Probe`] | of dW, dWx, dWh | one element after the other |
//!
//! In an LSTM H stands for 4 H where it counts the columns of z: in n with Wx, Wh and their gradients, in k with their
//! transposes.
//!
//! One-lane paths pack nothing: the portable path reads every operand in place. A Cortex-M with FPU computes all
//! products in assembly, and a processor without floating point each element as a chain in integers (`assembly.rs`).

mod assembly;
mod gemv;
mod in_place;
mod macrokernel;
mod matmul;
mod microkernel;
mod one_by_one;
mod operands;
mod pack;
mod packed_b;
mod product;
mod single_row;
#[cfg(test)]
mod tests;
mod transposed_b;

pub use matmul::{Form, Matmul, matmul_scratch};
pub use operands::Start;
pub(crate) use operands::{End, Gemv, Left, Probe, Right, Shape};
#[cfg(feature = "alloc")]
pub(crate) use pack::before_line;
pub(crate) use pack::{PACK_FROM_COLUMNS, aligned, next_panel, packed_len, padded, with_room_to_align};
pub(crate) use packed_b::packed_b_len;
pub(crate) use product::{Product, ProductAndSums};
pub(crate) use transposed_b::transposed_b_len;
