//! Promise: the weights that the book's authors trained give the perplexity that the book prints, on every instruction
//! set. Neither they nor the Penn Treebank can be part of the project: RNNLM_BOOK names a folder with
//! ch6_rnnlm_f16.safetensors, float16 tensors by this crate's names, and RNNLM_PTB one with the texts.
//!
//! ```text
//! RNNLM_BOOK=.. RNNLM_PTB=.. cargo test --release --test training lstm_book -- --nocapture
//! ```

use std::{
    collections::HashMap,
    env, fs,
    io::{self, Write},
    path::PathBuf,
};

use rnnlm::{Config, Isa, Rnnlm, Xorshift, perplexity};

/// The bytes of the first of these files that is there; `None`, and loudly so, where the folder isn't named.
fn bytes(variable: &str, names: &[&str]) -> Option<Vec<u8>> {
    let Some(folder) = env::var_os(variable) else {
        // past the capture of the test runner
        let _ = writeln!(io::stderr(), "SKIPPED: the book's weights, as {variable} names no folder with {names:?}");
        return None;
    };
    let mut paths = names.iter().map(|name| PathBuf::from(&folder).join(name));
    let path = paths.find(|path| path.exists()).unwrap_or_else(|| panic!("{folder:?} has none of {names:?}"));
    Some(fs::read(path).unwrap())
}

/// A float16 as a number; none of the weights is infinite or NaN.
fn float16(bits: u16) -> f32 {
    let (sign, exponent, fraction) = (bits >> 15, (bits >> 10) & 31, f32::from(bits & 1023));
    let magnitude = match exponent {
        0 => fraction * 2_f32.powi(-24),
        _ => (1024.0 + fraction) * 2_f32.powi(i32::from(exponent) - 25),
    };
    if sign == 1 { -magnitude } else { magnitude }
}

#[test]
fn the_books_weights_give_the_books_perplexity() {
    let Some(weights) = bytes("RNNLM_BOOK", &["ch6_rnnlm_f16.safetensors"]) else { return };
    let Some(train) = bytes("RNNLM_PTB", &["ptb.train.txt", "ptb.train.98percent.txt"]) else { return };
    let Some(test) = bytes("RNNLM_PTB", &["ptb.test.txt"]) else { return };
    let [train, test] = [train, test].map(|text| String::from_utf8(text).unwrap().replace('\n', " <eos> "));
    let mut ids = HashMap::new();
    for word in train.split_whitespace() {
        let next = ids.len() as u32;
        ids.entry(word).or_insert(next);
    }
    let corpus: Vec<u32> = test.split_whitespace().map(|word| ids[word]).collect();

    let (n, t) = (10, 35);
    let config = Config { vocab_size: 10_000, wordvec_size: 100, hidden_size: 100, batch_size: n, time_size: t };
    let header = u64::from_le_bytes(weights[..8].try_into().unwrap()) as usize;
    // the tensors are in the crate's order
    let weights: Vec<f32> =
        weights[8 + header..].chunks_exact(2).map(|two| float16(u16::from_le_bytes([two[0], two[1]]))).collect();
    let mut fresh = Rnnlm::new(config, &mut Xorshift::new(1)).unwrap();
    let mut rest = &weights[..];
    for (_, mut matrix) in fresh.weights_mut().named() {
        let (part, after) = rest.split_at(matrix.as_mut_slice().len());
        matrix.as_mut_slice().copy_from_slice(part);
        rest = after;
    }
    assert!(rest.is_empty());

    // as the book evaluates: ten rows side by side, and the last windows of the text left out
    let (jump, windows) = ((corpus.len() - 1) / n, (corpus.len() - 1) / (n * t));
    let mut found = vec![];
    for isa in Isa::available() {
        // without vectors a part of the text, for its bits
        let windows = if isa == Isa::SCALAR { 3 } else { windows };
        let mut model = fresh.clone().with_isa(isa);
        let mut losses = vec![];
        for window in 0..windows {
            let row = |n: usize, from: usize| &corpus[n * jump + window * t + from..][..t];
            let ids = |from| (0..n).flat_map(|n| row(n, from)).copied().collect::<Vec<u32>>();
            losses.push(model.forward(&ids(0), &ids(1)).unwrap().loss());
        }
        let mean = losses.iter().map(|&loss| f64::from(loss)).sum::<f64>() / windows as f64;
        println!("{isa}: {windows} windows, perplexity {:.4}", perplexity(mean as f32));
        assert!(isa == Isa::SCALAR || (perplexity(mean as f32) - 136.08).abs() < 0.01, "{isa}: {}", mean.exp());
        found.push(losses.iter().take(3).map(|loss| loss.to_bits()).collect::<Vec<_>>());
    }
    assert!(found.iter().all(|losses| losses == &found[0]), "{found:?}");
}
