//! Promise: the weights that the book's authors trained give the perplexity that the book prints, on every instruction
//! set, and rounded to int8 one within 0.2% of theirs. Neither they nor the Penn Treebank can be part of the project:
//! RNNLM_BOOK names a folder with ch6_rnnlm_f16.safetensors, float16 tensors by this crate's names, and RNNLM_PTB one
//! with the texts.
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

use rnnlm::{Config, Isa, LstmCell, Quantized, QuantizedPredictor, Rnnlm, Xorshift, perplexity};

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

/// The book's model with such windows, and the test text.
fn model_and_text([n, t]: [usize; 2]) -> Option<(Rnnlm, Vec<u32>)> {
    let weights = bytes("RNNLM_BOOK", &["ch6_rnnlm_f16.safetensors"])?;
    let train = bytes("RNNLM_PTB", &["ptb.train.txt", "ptb.train.98percent.txt"])?;
    let test = bytes("RNNLM_PTB", &["ptb.test.txt"])?;
    let [train, test] = [train, test].map(|text| String::from_utf8(text).unwrap().replace('\n', " <eos> "));
    let mut ids = HashMap::new();
    for word in train.split_whitespace() {
        let next = ids.len() as u32;
        ids.entry(word).or_insert(next);
    }
    let corpus: Vec<u32> = test.split_whitespace().map(|word| ids[word]).collect();

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
    Some((fresh, corpus))
}

/// As one row of text, of which every token after the first counts: so the exact perplexity is another than below.
#[test]
fn the_books_weights_lose_little_in_int8() {
    let Some((mut model, corpus)) = model_and_text([1, 16]) else { return };
    let exact = perplexity(model.score(&corpus, |_| {}).unwrap());
    let mut file = vec![0; Quantized::<LstmCell>::encoded_len_as(model.config(), 0).unwrap()];
    Quantized::write(&model.weights(), "", &mut file).unwrap();
    let mut predictor = QuantizedPredictor::new(Quantized::<LstmCell>::read_as(&file).unwrap()).unwrap();
    let mut foreseen = [0; 2];
    let loss = predictor.score(&corpus, |score| {
        foreseen[0] += usize::from(score.rank <= 1);
        foreseen[1] += usize::from(score.rank <= 3);
    });
    let found = perplexity(loss.unwrap());
    let [at_1, at_3] = foreseen.map(|count| 100.0 * count as f64 / (corpus.len() - 1) as f64);
    let above = 100.0 * (found / exact - 1.0);
    println!("perplexity {exact:.4}, in int8 {found:.4} ({above:+.3}%), recall at 1, 3 {at_1:.2}% {at_3:.2}%");
    assert!(above.abs() < 0.2, "{found} in place of {exact}");
    assert!((file.len() as f64) < 0.27 * 4.0 * model.weights_block().len() as f64);
}

#[test]
fn the_books_weights_give_the_books_perplexity() {
    let [n, t] = [10, 35];
    let Some((fresh, corpus)) = model_and_text([n, t]) else { return };
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
