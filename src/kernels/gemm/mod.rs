//! The matrix products of the model.

mod assembly;
mod gemv;
mod matmul;
mod microkernel;
mod operands;
mod pack;
mod packed_b;
mod product;
#[cfg(test)]
mod tests;
mod transposed_b;

pub use matmul::{Form, matmul, matmul_scratch};
pub(crate) use operands::{Into, Left, Right};
#[cfg(feature = "alloc")]
pub(crate) use pack::before_line;
pub(crate) use pack::with_room_to_align;
pub(crate) use pack::{aligned, next_panel, padded};
pub(crate) use packed_b::WIDE;
pub(crate) use packed_b::{product_row, product_wide, product_with_sums, wide_len};
pub(crate) use product::{product, transposed_len};
pub(crate) use transposed_b::{product_nt, scratch_len};
