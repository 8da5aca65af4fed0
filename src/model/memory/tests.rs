use super::*;
use crate::layers::time_lstm::LstmCell;

const E: Config = Config { vocab_size: 64, wordvec_size: 16, hidden_size: 32, batch_size: 1, time_size: 8 };

#[test]
fn sizes_that_overflow_are_errors() {
    let half = 1 << (usize::BITS / 2);
    for config in [
        Config { wordvec_size: usize::MAX, ..E },
        Config { hidden_size: usize::MAX / 2, ..E },
        Config { batch_size: usize::MAX, ..E },
        Config { time_size: 1 << (usize::BITS - 4), ..E },
        Config { vocab_size: usize::MAX, ..E },
        Config { vocab_size: u32::MAX as usize, ..E },
        // each product overflows although the factors are small
        Config { hidden_size: half, ..E },
        Config { batch_size: half, time_size: half, ..E },
        Config { wordvec_size: half, hidden_size: half, ..E },
    ] {
        assert_eq!(config.memory(), Err(ConfigError::TooLarge), "{config:?}");
    }
}

#[test]
fn the_gradients_count_in_what_can_be_addressed() {
    // three quarters of all memory for the weights alone
    let (v, d) = (1 << (usize::BITS / 2 - 1), 3 << (usize::BITS / 2 - 4));
    let vast = Config { vocab_size: v, wordvec_size: d, hidden_size: 1, batch_size: 1, time_size: 1 };
    assert_eq!(vast.memory(), Err(ConfigError::TooLarge));
    assert!(Config { wordvec_size: d / 2, ..vast }.memory().is_ok());
}

#[test]
fn the_largest_sizes_that_fit_are_accepted() {
    const ONE: Config = Config { vocab_size: 1, wordvec_size: 1, hidden_size: 1, batch_size: 1, time_size: 1 };
    let of: [fn(usize) -> Config; 4] = [
        |d| Config { wordvec_size: d, ..ONE },
        |h| Config { hidden_size: h, ..ONE },
        |n| Config { batch_size: n, ..ONE },
        |t| Config { time_size: t, ..ONE },
    ];
    for (number, of) in of.into_iter().enumerate() {
        for cell in [TanhCell::SIZES, LstmCell::SIZES] {
            let all = |size: usize| {
                of(size).memory_with(cell).map(|memory| 2 * memory.weights + memory.workspace + memory.ids)
            };
            let (mut fits, mut fails) = (1, usize::MAX);
            while fails - fits > 1 {
                let size = fits + (fails - fits) / 2;
                if all(size).is_ok() { fits = size } else { fails = size }
            }
            // nearly all that can be addressed
            let most = isize::MAX as usize / 4;
            assert!(all(fits).is_ok_and(|all| all > most - most / 100), "{number}, {cell:?}: {fits}");
        }
    }
}

#[test]
fn zero_sizes_are_errors() {
    for config in [
        Config { vocab_size: 0, ..E },
        Config { wordvec_size: 0, ..E },
        Config { hidden_size: 0, ..E },
        Config { batch_size: 0, ..E },
        Config { time_size: 0, ..E },
    ] {
        assert_eq!(config.memory(), Err(ConfigError::ZeroSize));
    }
}

#[test]
fn memory_is_the_sum_of_the_parts() -> Result<(), ConfigError> {
    for config in [E, Config { vocab_size: 700, batch_size: 5, ..E }, Config { time_size: 70, wordvec_size: 1, ..E }] {
        for cell in [TanhCell::SIZES, LstmCell::SIZES] {
            let (memory, sizes) = (config.memory_with(cell)?, config.sizes(cell)?);
            assert_eq!(memory.weights, sizes.parameters(cell.gates).iter().sum::<usize>());
            assert_eq!(memory.workspace, sizes.buffers(cell).iter().sum::<usize>());
        }
    }
    Ok(())
}

#[test]
fn the_weights_of_e_are_18_8_kilobytes() {
    assert_eq!(E.memory().map(|m| 4 * m.weights), Ok(18_816));
}
