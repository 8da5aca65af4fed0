//! Any product: every instruction set gives the bits of the definition, a chain of fused multiply-adds in ascending k.

use rnnlm::{Form, Isa, Matmul, Start, matmul_scratch};

use crate::bytes::{Bytes, same};

pub fn check(bytes: &[u8]) {
    let mut bytes = Bytes(bytes);
    let choice = bytes.byte();
    let form = [Form::Nn, Form::Nt, Form::Tn][usize::from(choice) % 3];
    let add = choice & 0x80 != 0;
    let mut shape = [(); 3].map(|()| bytes.size(0, 70));
    if choice & 0x40 != 0 {
        // as wide as operands that are packed
        shape[2] += 1024;
    }
    let [m, k, n] = shape;
    let [a, b, in_c] = [m * k, k * n, m * n].map(|len| bytes.floats(len));
    let start = if add { Start::C } else { Start::Zero };
    let [a_at, b_at] = match form {
        Form::Nn => [[k, 1], [n, 1]],
        Form::Nt => [[k, 1], [1, k]],
        Form::Tn => [[1, m], [n, 1]],
    };
    let chain = |at: usize| {
        let (i, j) = (at / n, at % n);
        let first = if add { in_c[at] } else { 0.0 };
        (0..k).fold(first, |sum, p| a[i * a_at[0] + p * a_at[1]].mul_add(b[p * b_at[0] + j * b_at[1]], sum))
    };
    let expected: Vec<f32> = (0..m * n).map(chain).collect();
    for isa in Isa::available() {
        let mut c = in_c.clone();
        let mut scratch = vec![f32::NAN; matmul_scratch(form, shape)];
        Matmul { form, m, k, n, a: &a, b: &b, c: &mut c, start, scratch: &mut scratch }.run(isa).unwrap();
        assert!(same(&c, &expected), "{} {form:?} {shape:?} add {add}", isa.name());
    }
}
