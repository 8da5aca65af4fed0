extern crate std;
use std::{cell::Cell, format, vec};

use super::*;
use crate::rng::Xorshift;

std::thread_local! {
    static LOOKS: Cell<usize> = const { Cell::new(0) };
}

/// Counts the places that searches of this thread look at, which is what they cost beside reading the words.
pub(super) fn count_a_look() {
    LOOKS.set(LOOKS.get() + 1);
}

/// Blocks of eight letters, two at a time that lead FNV-1a from one value to another: choices among them give words
/// of one hash, all 32 bits of it.
fn words_of_one_hash(count: usize) -> Vec<String> {
    let fnv = |from: u32, bytes: &[u8]| {
        bytes.iter().fold(from, |hash, &byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
    };
    let (mut value, mut words, mut rng) = (0x811c_9dc5, vec![String::new()], Xorshift::new(1));
    while words.len() < count {
        let mut known = std::collections::HashMap::new();
        let (to, pair) = loop {
            let block = [(); 8].map(|()| b'a' + rng.below(26) as u8);
            let to = fnv(value, &block);
            match known.insert(to, block) {
                Some(other) if other != block => break (to, [block, other]),
                _ => {}
            }
        };
        let add = |word: &String| pair.map(|block| format!("{word}{}", str::from_utf8(&block).unwrap()));
        (value, words) = (to, words.iter().flat_map(add).collect());
    }
    words.truncate(count);
    words
}

#[test]
#[cfg_attr(miri, ignore = "minutes in an interpreter")]
fn words_of_one_hash_are_found_as_fast_as_their_length_allows() -> Result<(), CorpusError> {
    let words = words_of_one_hash(20_000);
    assert!(words.iter().all(|word| hash(word) == hash(&words[0])));
    LOOKS.set(0);
    let mut vocabulary = Vocabulary::new();
    for (i, word) in (0..).zip(&words) {
        assert_eq!(vocabulary.add(word)?, i);
    }
    for (i, word) in (0..).zip(&words) {
        assert_eq!(vocabulary.id(word), Some(i));
    }
    // log2 of 20,000 is 14.3; added, entered anew as the table grows, and found
    let looks = LOOKS.get();
    assert!(looks < 20_000 * 15 * 6, "{looks} looks");
    Ok(())
}

#[test]
fn newlines_are_tokens_and_lines_need_no_spaces() {
    let split = |text| tokens(text).collect::<Vec<_>>();
    assert_eq!(split("a b\nc"), ["a", "b", "<eos>", "c"]);
    assert_eq!(split(" a \r\n\n"), ["a", "<eos>", "<eos>"]);
    assert_eq!(split(""), vec![""; 0]);
    assert_eq!(split("мир\u{a0}peace\t平和\u{3000}\n"), ["мир", "peace", "平和", "<eos>"]);
}

#[test]
#[cfg_attr(miri, ignore = "minutes in an interpreter")]
fn thousands_of_words_keep_their_ids() -> Result<(), CorpusError> {
    let mut vocabulary = Vocabulary::new();
    for i in 0..5000 {
        assert_eq!(vocabulary.add(&format!("wörd{i}"))?, i);
    }
    for i in 0..5000 {
        let word = format!("wörd{i}");
        assert_eq!((vocabulary.id(&word), vocabulary.word(i)), (Some(i), Some(word.as_str())));
    }
    assert_eq!((vocabulary.id("wörd5000"), vocabulary.word(5000), vocabulary.len()), (None, None, 5000));
    vocabulary.truncate(17);
    assert_eq!((vocabulary.id("wörd16"), vocabulary.id("wörd17"), vocabulary.len()), (Some(16), None, 17));
    assert_eq!(vocabulary.add("wörd17")?, 17);
    Ok(())
}

#[test]
fn equal_where_words_and_ids_are() -> Result<(), CorpusError> {
    let vocabulary = |words: &[&'static str]| Vocabulary::from_words(words.iter().copied());
    let mut longer = vocabulary(&["a", "b", "c"])?;
    assert_ne!(longer, vocabulary(&["a", "b"])?);
    for i in 0..40 {
        longer.add(&format!("{i}"))?;
    }
    longer.truncate(2);
    // whatever the size of its table
    assert_eq!(longer, vocabulary(&["a", "b"])?);
    assert_ne!(vocabulary(&["ab", "c"])?, vocabulary(&["a", "bc"])?);
    assert_ne!(vocabulary(&["a", "b"])?, vocabulary(&["b", "a"])?);
    Ok(())
}

#[test]
fn words_that_are_cut_off_leave_the_table() -> Result<(), CorpusError> {
    let mut vocabulary = Vocabulary::new();
    for round in 0..4 {
        for i in 0..8 {
            vocabulary.add(&format!("{round} {i}"))?;
        }
        vocabulary.truncate(round);
        // or table and branches would fill up with words that are gone
        let words = |place: &Place| usize::from(place.first > 0) + usize::from(place.others > 0);
        assert_eq!(vocabulary.table.iter().map(words).sum::<usize>() + vocabulary.branches.len(), round);
    }
    Ok(())
}

#[test]
fn words_of_one_place_have_a_tree_that_finds_each_in_time_of_its_length() {
    let mut words: Vec<String> = ["", "\0", "\0\0", "\u{10ffff}", "世界", "世", "\u{7f}", "~"].map(String::from).into();
    words.extend((1..200).map(|len| "a".repeat(len)));
    words.extend((0..200).map(|i| format!("{}{i}", "b".repeat(200 - i))));
    words.extend((0..200).map(|i| format!("{i:b}")));
    for reverse in [false, true] {
        if reverse {
            words.reverse();
        }
        // a table of one place
        let mut vocabulary = Vocabulary { table: vec![Place::default()], ..Vocabulary::new() };
        for (id, word) in (0..).zip(&words) {
            assert_eq!(vocabulary.id(word), None, "{word:?}");
            vocabulary.text.push_str(word);
            vocabulary.ends.push(vocabulary.text.len() as u32);
            vocabulary.enter(id);
        }
        for (id, word) in (0..).zip(&words) {
            LOOKS.set(0);
            assert_eq!(vocabulary.id(word), Some(id), "{word:?}");
            assert!(LOOKS.get() <= 8 * (word.len() + 1), "{word:?}: {} looks", LOOKS.get());
            for other in [format!("{word}a"), format!("{word}\0"), format!("c{word}")] {
                assert_eq!(vocabulary.id(&other).is_some(), words.contains(&other), "{other:?}");
            }
        }
        assert_eq!(vocabulary.branches.len(), words.len() - 2);
        vocabulary.truncate(100);
        for (id, word) in (0..).zip(&words) {
            assert_eq!(vocabulary.id(word), (id < 100).then_some(id), "{word:?}");
        }
        assert_eq!(vocabulary.branches.len(), 98);
    }
}

#[test]
fn text_to_ids_and_back() -> Result<(), CorpusError> {
    let text = "you say goodbye\nund ich sag hallo .\n\nend";
    let mut vocabulary = Vocabulary::new();
    let ids = tokens(text).map(|word| vocabulary.add(word)).collect::<Result<Vec<_>, _>>()?;
    assert_eq!(vocabulary.decode(&ids)?, text);
    assert_eq!(vocabulary.encode(text)?, Encoded { ids, unknown: 0 });
    assert_eq!(vocabulary.decode(&[99]), Err(CorpusError::UnknownId { id: 99 }));
    Ok(())
}

#[test]
fn to_lines_and_back() -> Result<(), CorpusError> {
    // words that `tokens` never gives keep their places too
    for words in [&["you", "say", "<unk>", "世界"][..], &["", "a b", "\r"], &[""], &[]] {
        let vocabulary = Vocabulary::from_words(words.iter().copied())?;
        let lines = vocabulary.to_lines()?;
        assert_eq!(lines.matches('\n').count(), words.len());
        let back = Vocabulary::from_words(lines.split_terminator('\n'))?;
        assert!((0..).map_while(|id| back.word(id)).eq(words.iter().copied()), "{words:?}");
    }
    Ok(())
}

#[test]
fn words_that_lines_cannot_tell_apart_are_refused() -> Result<(), CorpusError> {
    let broken = Vocabulary::from_words(["a", "b\nc", "d"])?;
    assert_eq!(broken.to_lines(), Err(CorpusError::LineBreak { id: 1 }));
    let twice = |words: &[&'static str]| Vocabulary::from_words(words.iter().copied()).err();
    assert_eq!(twice(&["a", "b", "b", "a"]), Some(CorpusError::DuplicateWord { id: 2 }));
    assert_eq!(twice(&["", ""]), Some(CorpusError::DuplicateWord { id: 1 }));
    Ok(())
}

#[test]
fn unknown_words_are_counted() -> Result<(), CorpusError> {
    let mut vocabulary = Vocabulary::new();
    vocabulary.add("a")?;
    assert_eq!(vocabulary.encode("a x a y"), Err(CorpusError::UnknownWords { count: 2, first: 1 }));
    vocabulary.add(UNK)?;
    assert_eq!(vocabulary.encode("a x a y")?, Encoded { ids: vec![0, 1, 0, 1], unknown: 2 });
    assert_eq!(Vocabulary::new().encode("")?.ids, [0; 0]);
    Ok(())
}
