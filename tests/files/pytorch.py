"""PyTorch's side of tests/files/pytorch.rs. Raw files are little-endian: .f32 row-major, .u32.

