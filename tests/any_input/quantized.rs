//! Any file of int8 weights, read as one of either cell: an error, or weights that predict the same on every
//! instruction set, and that no sum of theirs leaves its integer (a debug build would panic).

use rnnlm::{Isa, LstmCell, Quantized, QuantizedCell, QuantizedPredictor, TanhCell};

/// The file as it is, and with the checksum that its bytes should have, so that the checks behind it are reached.
pub fn check(file: &[u8]) {
    check_as::<TanhCell>(file);
    check_as::<LstmCell>(file);
}

fn check_as<C: QuantizedCell>(file: &[u8]) {
    read::<C>(file);
    if let Some((all, _)) = file.split_last_chunk::<4>() {
        read::<C>(&[all, &crc32(all).to_le_bytes()].concat());
    }
}

/// CRC-32, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |register: u32, &byte| {
        (0..8).fold(register ^ u32::from(byte), |r, _| if r & 1 == 1 { r >> 1 ^ 0xedb8_8320 } else { r >> 1 })
    })
}

fn read<C: QuantizedCell>(file: &[u8]) {
    let Ok(quantized) = Quantized::<C>::read_as(file) else { return };
    let v = quantized.config().vocab_size as u32;
    assert!(quantized.words().count() == 0 || quantized.words().count() == v as usize);
    let ids = [0, v / 2, v - 1, 0];
    let all: Vec<_> = Isa::available()
        .map(|isa| {
            let mut predictor = QuantizedPredictor::new(quantized).unwrap().with_isa(isa);
            let mut bits: Vec<u32> = Vec::new();
            for id in ids {
                let probabilities = predictor.feed(id).unwrap();
                assert!(probabilities.iter().all(|p| (0.0..=1.0).contains(p)));
                assert!((probabilities.iter().map(|&p| f64::from(p)).sum::<f64>() - 1.0).abs() < 1e-4);
                bits.extend(probabilities.iter().map(|p| p.to_bits()));
            }
            let loss = predictor.score(&ids, |score| assert!(score.loss.is_finite() && score.rank > 0)).unwrap();
            (bits, loss.to_bits())
        })
        .collect();
    assert!(all.iter().all(|found| found == &all[0]));
}
