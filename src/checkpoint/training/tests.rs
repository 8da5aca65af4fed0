use super::*;

#[test]
fn there_and_back() {
    let state = TrainingState {
        learning_rate: 0.5,
        max_norm: 0.25,
        decay: 4.0,
        best_loss: 5.5,
        losses: [1e3, -1e-5],
        epoch: 1,
        iteration: 1 << 40,
        position: 3,
        seed: u64::MAX,
        rng: 5,
    };
    for is_stateful in [false, true] {
        let bytes = encode(&Training { state, time_size: 35, is_stateful }).unwrap();
        let decoded = decode(&bytes).unwrap();
        assert_eq!((decoded.state, decoded.time_size, decoded.is_stateful), (state, 35, is_stateful));
    }
}

#[test]
fn values_out_of_bounds_are_refused_both_ways() {
    let good = TrainingState::default();
    let bytes = encode(&Training { state: good, time_size: 1, is_stateful: true }).unwrap();
    for bad in [
        TrainingState { learning_rate: 0.0, ..good },
        TrainingState { learning_rate: f32::INFINITY, ..good },
        TrainingState { max_norm: f32::NAN, ..good },
        TrainingState { max_norm: 0.0, ..good },
        TrainingState { max_norm: -1.0, ..good },
        TrainingState { decay: 0.5, ..good },
        TrainingState { decay: f32::INFINITY, ..good },
        TrainingState { best_loss: f32::NAN, ..good },
        TrainingState { losses: [0.0, f32::NAN], ..good },
        TrainingState { losses: [-1e30, 0.0], ..good },
        TrainingState { rng: 0, ..good },
    ] {
        let refused = encode(&Training { state: bad, time_size: 1, is_stateful: true });
        assert_eq!(refused.err(), Some(CheckpointError::Training), "{bad:?}");
    }
    for (at, byte, error) in [
        (0, 2, CheckpointError::Version { found: 2 }),
        (7, 0xff, CheckpointError::Training), // learning rate -> NaN or negative
        (11, 0xff, CheckpointError::Training),
        (28, 2, CheckpointError::Training),
    ] {
        let mut bytes = bytes;
        bytes[at] = byte;
        assert_eq!(decode(&bytes).err(), Some(error), "{at}");
    }
    assert_eq!(decode(&bytes[1..]).err(), Some(CheckpointError::Training));
}
