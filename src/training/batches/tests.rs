extern crate std;
use std::vec::Vec;

use super::*;

fn config(batch_size: usize, time_size: usize) -> Config {
    Config { vocab_size: 11, wordvec_size: 1, hidden_size: 1, batch_size, time_size }
}

#[test]
fn memory_of_another_length_is_refused() {
    for given in [0, 6, 11, 13, 24] {
        let refused = Batches::with_buffers(&[5; 13], config(2, 3), std::vec![9; given]).err();
        assert_eq!(refused, Some(CorpusError::WindowLength { needed: 12, given }));
    }
    assert!(Batches::with_buffers(&[5; 13], config(2, 3), [9; 12]).is_ok());
}

#[test]
fn rows_jump_and_wrap() -> Result<(), CorpusError> {
    let corpus: Vec<u32> = (0..11).collect();
    let mut batches = Batches::with_buffers(&corpus, config(3, 2), [0; 12])?;
    // data_size 10, jump 3: rows start at 0, 3, 6
    for _ in 0..2 {
        batches.advance();
    }
    assert_eq!(batches.read(4)?, (&[4, 5, 7, 8, 0, 1][..], &[5, 6, 8, 9, 1, 2][..]));
    for _ in 0..3 {
        batches.advance();
    }
    assert_eq!(batches.position(), 0);
    batches.seek(29);
    let (xs, _) = batches.next_window().unwrap();
    assert_eq!(xs, [9, 0, 2, 3, 5, 6]);
    // twelve tokens are eleven pairs, so the rows still start at 0, 3, 6
    let corpus: Vec<u32> = (0..12).collect();
    let mut batches = Batches::with_buffers(&corpus, config(3, 2), [0; 12])?;
    assert_eq!(batches.read(0)?.0, [0, 1, 3, 4, 6, 7]);
    Ok(())
}

#[test]
fn an_epoch_ends_and_the_next_one_goes_on_from_there() -> Result<(), CorpusError> {
    let corpus: Vec<u32> = (0..11).collect();
    let mut batches = Batches::with_buffers(&corpus, config(1, 3), [0; 6])?;
    let mut firsts = Vec::new();
    for _ in 0..3 {
        while let Some((xs, ts)) = batches.next_window() {
            assert_eq!((xs.len(), ts.len()), (3, 3));
            firsts.push(xs[0]);
        }
        firsts.push(99);
    }
    // ten pairs: three steps an epoch, the position runs on
    assert_eq!(firsts, [0, 3, 6, 99, 9, 2, 5, 99, 8, 1, 4, 99]);
    assert_eq!(batches.position(), 7);
    batches.next_window();
    batches.seek(1);
    assert_eq!((0..).map_while(|_| batches.next_window().map(|_| ())).count(), 3, "a new epoch");
    Ok(())
}

#[test]
fn equal_at_the_same_place_of_the_same_tokens() -> Result<(), CorpusError> {
    let corpus: Vec<u32> = (0..11).collect();
    let (mut a, mut b) = (
        Batches::with_buffers(&corpus, config(1, 3), [0; 6])?,
        Batches::with_buffers(&corpus, config(1, 3), std::vec![7; 6])?,
    );
    assert!(a == b);
    a.next_window();
    assert!(a != b);
    b.next_window();
    assert!(a == b && b != Batches::with_buffers(&corpus, config(3, 1), [0; 6])?);
    Ok(())
}

#[test]
fn too_short_or_zero_is_an_error() {
    let corpus = [0; 6];
    assert_eq!(
        Batches::with_buffers(&corpus, config(2, 3), [0; 12]).err(),
        Some(CorpusError::TooShort { needed: 7, given: 6 })
    );
    assert!(Batches::with_buffers(&[0; 7], config(2, 3), [0; 12]).is_ok());
    for (n, t) in [(0, 3), (3, 0), (usize::MAX, 2), (usize::MAX, 1)] {
        assert_eq!(Batches::with_buffers(&corpus, config(n, t), [0; 0]).err(), Some(CorpusError::BadSizes));
    }
}
