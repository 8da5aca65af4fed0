//! Any file: an error, or a model that is whole, and that written again is the same file.

use rnnlm::{
    Cell, Checkpoint, CheckpointError, Config, CorpusError, LearnerRecord, LstmCell, Matrix, Model, Predictor, Storage,
    TanhCell, Vocabulary, WordIndex, Xorshift,
};

/// The file as it is; with the checksum that its bytes should have, so that the checks behind it are reached; and with
/// a header as long as it can be read, so that a fuzzer can lengthen and shorten it.
pub fn check(file: &[u8]) {
    read(file);
    if let Some((all, _)) = file.split_last_chunk::<4>() {
        let with_checksum = |all: &[u8]| [all, &crc32(all).to_le_bytes()].concat();
        read(&with_checksum(all));
        if let Some((_, rest)) = all.split_first_chunk::<8>() {
            let end = rest.windows(2).position(|end| end == b"}}").map_or(rest.len(), |at| at + 2);
            let end = (8 + end).next_multiple_of(8).saturating_sub(8).min(rest.len());
            read(&with_checksum(&[&(end as u64).to_le_bytes(), rest].concat()));
        }
    }
}

/// CRC-32, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |register: u32, &byte| {
        (0..8).fold(register ^ u32::from(byte), |r, _| if r & 1 == 1 { r >> 1 ^ 0xedb8_8320 } else { r >> 1 })
    })
}

/// As a file of either cell.
fn read(file: &[u8]) {
    read_as::<TanhCell>(file, |checkpoint, model| {
        checkpoint.weights().is_none_or(|w| same(w.named(), model.weights().named(), Predictor::new(w).unwrap()))
    });
    read_as::<LstmCell>(file, |checkpoint, model| {
        checkpoint.weights().is_none_or(|w| same(w.named(), model.weights().named(), Predictor::new(w).unwrap()))
    });
}

type Named<'w> = [(&'static str, Matrix<&'w [f32]>); 6];

/// The same bits under the same names; and they can be predicted from.
fn same<C: Cell>(a: Named<'_>, b: Named<'_>, mut predictor: Predictor<'_, impl Storage, C>) -> bool {
    let _ = predictor.feed(0).map(<[f32]>::len);
    let bits =
        |named: Named<'_>| named.map(|(_, matrix)| matrix.as_slice().iter().map(|x| x.to_bits()).collect::<Vec<_>>());
    a.map(|(name, _)| name) == b.map(|(name, _)| name) && bits(a) == bits(b)
}

/// Whether weights that are used in place, to no harm, are those of the model that was loaded.
type InPlace<C> = fn(&Checkpoint<'_, C>, &Model<C>) -> bool;

fn read_as<C: Cell>(file: &[u8], in_place: InPlace<C>) {
    read_verified(file, in_place);
    if let Ok(record) = LearnerRecord::<C>::read_as(file) {
        let Config { vocab_size, time_size, .. } = record.checkpoint().config();
        assert!(record.pending().count() <= time_size + 1);
        assert!(record.pending().all(|id| (id as usize) < vocab_size));
    }
    let checkpoint = match Checkpoint::<C>::read_as(file) {
        Ok(checkpoint) => checkpoint,
        Err(error) => {
            // a name that the error knows stands in the file
            let in_file = matches!(error, CheckpointError::UnknownTensor { .. } | CheckpointError::Duplicate { .. });
            assert!(error.tensor(file).is_some() || !in_file);
            return;
        }
    };
    let config = checkpoint.config();
    let Config { vocab_size, batch_size, time_size, .. } = config;
    let words: String = checkpoint.words().flat_map(|word| [word, "\n"]).collect();
    assert!(words.is_empty() || checkpoint.words().count() == vocab_size);
    // the file says how large a model is, but not in bytes of its own how many steps it unrolls
    let small = Config { time_size: time_size.min(3), ..config };
    let fresh = Model::<C>::new(small, &mut Xorshift::new(1)).unwrap();
    let mut model = fresh.clone();
    checkpoint.load(&mut model).unwrap();
    assert!(model.weights_block().iter().chain(model.state()).all(|x| x.is_finite()));
    assert!(model.state().len().is_multiple_of(batch_size * config.hidden_size));
    assert!(in_place(&checkpoint, &model));
    let training = checkpoint.training().unwrap_or_default();
    let mut again = vec![0; Checkpoint::<C>::encoded_len_as(small, words.len()).unwrap()];
    let written = Checkpoint::write(&model, &training, &words, &mut again);
    if let Err(CorpusError::DuplicateWord { id }) = Vocabulary::from_words(checkpoint.words()) {
        assert_eq!(written, Err(CheckpointError::DuplicateWord { id }));
        return;
    }
    assert_eq!(written, Ok(again.len()));
    if checkpoint.training().is_some() && small == config {
        assert!(again == file, "a complete file has one spelling");
    }
    let reread = Checkpoint::<C>::read_as(&again).unwrap();
    assert_eq!((reread.config(), reread.training()), (small, Some(training)));
    let mut other = fresh;
    reread.load(&mut other).unwrap();
    assert_eq!((other.weights_block(), other.state()), (model.weights_block(), model.state()));
}

/// Whatever was called verified can be used, to no harm.
fn read_verified<C: Cell>(file: &[u8], in_place: InPlace<C>) {
    let verified = Checkpoint::<C>::read_verified_as(file);
    assert!(verified.is_ok() || Checkpoint::<C>::read_as(file).is_err());
    let Ok(checkpoint) = verified else { return };
    let config = Config { time_size: checkpoint.config().time_size.min(3), ..checkpoint.config() };
    let mut model = Model::<C>::new(config, &mut Xorshift::new(1)).unwrap();
    checkpoint.load(&mut model).unwrap();
    assert!(in_place(&checkpoint, &model));
    let (words, rows) = (checkpoint.words().count(), config.batch_size * config.time_size);
    let _ = model.forward(&vec![0; rows], &vec![0; rows]).and_then(|window| window.sgd(0.1));
    let mut memory = vec![0; WordIndex::memory(words)];
    match checkpoint.index_words(&mut memory) {
        Ok(index) => {
            (0..words as u32).for_each(|id| assert_eq!(index.word(id).and_then(|word| index.id(word)), Some(id)))
        }
        Err(error) => assert!(matches!(error, CheckpointError::DuplicateWord { .. }), "{error}"),
    }
}
