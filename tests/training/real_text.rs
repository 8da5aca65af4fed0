//! Promise: the corpus is cut as the book cuts it. Needs the Penn Treebank text, which can't be part of the project:
//! RNNLM_PTB names a folder with ptb.train.txt (or its head, ptb.train.head.txt), ptb.valid.txt and ptb.test.txt.

use std::{
    env, fs,
    io::{self, Write},
    path::PathBuf,
};

use rnnlm::Corpus;

/// The text of that name; `None`, and loudly so, where the folder isn't named. A named folder must hold it.
fn text(name: &str) -> Option<String> {
    let Some(folder) = env::var_os("RNNLM_PTB") else {
        // past the capture of the test runner
        let _ = writeln!(io::stderr(), "SKIPPED: a test on real text, as RNNLM_PTB names no folder with {name}");
        return None;
    };
    let mut path = PathBuf::from(folder).join(name);
    if !path.exists() && name == "ptb.train.txt" {
        path.set_file_name("ptb.train.head.txt");
    }
    Some(fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

#[test]
fn the_first_1000_tokens_are_the_golden_ids() {
    let Some(text) = text("ptb.train.txt") else { return };
    let mut corpus = Corpus::from_text(&text).unwrap();
    corpus.truncate(1000);
    let golden = fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/golden/ptb1000/corpus.u32")).unwrap();
    let golden: Vec<u32> = golden.chunks_exact(4).map(|id| u32::from_le_bytes(id.try_into().unwrap())).collect();
    assert_eq!(corpus.ids(), golden);
    assert_eq!(corpus.vocabulary().len(), 418);
    assert_eq!(corpus.vocabulary().word(0), Some("aer"));
    assert!(corpus.vocabulary().id("<eos>").is_some() && corpus.vocabulary().id("<unk>").is_some());
}

#[test]
fn the_held_out_texts_have_their_known_sizes() {
    for (name, tokens, words) in [("ptb.valid.txt", 73_760, 6_022), ("ptb.test.txt", 82_430, 6_049)] {
        let Some(text) = text(name) else { return };
        let corpus = Corpus::from_text(&text).unwrap();
        assert_eq!((corpus.ids().len(), corpus.vocabulary().len()), (tokens, words), "{name}");
        let decoded = corpus.vocabulary().decode(corpus.ids()).unwrap();
        assert!(rnnlm::tokens(&decoded).eq(rnnlm::tokens(&text)), "{name}: decoded, it is another text");
    }
}

#[test]
fn words_that_a_vocabulary_lacks_become_unk() {
    let (Some(train), Some(valid)) = (text("ptb.train.txt"), text("ptb.valid.txt")) else { return };
    let mut corpus = Corpus::from_text(&train).unwrap();
    corpus.truncate(1000);
    let encoded = corpus.vocabulary().encode(&valid).unwrap();
    let unk = corpus.vocabulary().id("<unk>").unwrap();
    let own = Corpus::from_text(&valid).unwrap();
    let written = own.ids().iter().filter(|&&id| own.vocabulary().word(id) == Some("<unk>")).count();
    assert_eq!(encoded.ids.iter().filter(|&&id| id == unk).count(), encoded.unknown + written);
    assert!(encoded.unknown > 10_000 && encoded.unknown < encoded.ids.len());
}
