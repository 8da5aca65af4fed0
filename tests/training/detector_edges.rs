//! Promise: what a detector's figures are, and that what is refused has a name.

use rnnlm::{Beyond, ConfigError, Detector, Doing, EventIds, Foresight, Guard, GuardState, StepError};

/// Expects event 0 or 1 with these odds, and refuses event 2.
struct Odds([f32; 5], u32);

impl Foresight for Odds {
    fn probabilities(&self) -> &[f32] {
        &self.0
    }

    fn read(&mut self, id: u32, _: bool) -> Result<(), StepError> {
        if id == 2 { Err(StepError::NonFinitePrediction) } else { Ok(()) }
    }

    fn restart(&mut self) {
        self.1 += 1;
    }
}

fn detector(ids: EventIds) -> Result<Detector<Odds, [f32; 10]>, ConfigError> {
    Detector::with_buffers(
        Odds([0.7, 0.2, 0.05, 0.03, 0.02], 0),
        ids,
        [100.0, 50.0, 9.0, 9.0, 0.0, 0.5, 1.0, 1.0, 1.0, 0.0],
    )
}

#[test]
fn the_excess_is_surprise_less_mean_less_ln_count() {
    let mut detector = detector(EventIds::last_two(5)).unwrap();
    detector.set_threshold(-3.31);
    let verdict = detector.observe(1).unwrap();
    let expected = -(0.2_f64.ln()) - 1.0 - 50_f64.ln();
    assert!((f64::from(verdict.excess) - expected).abs() < 1e-5 && verdict.is_odd && !verdict.is_new);
    let other = detector.observe(999).unwrap();
    assert!(other.is_new && other.is_odd && other.excess == f32::INFINITY && other.score.id == 4);
    let session = detector.end().unwrap();
    assert_eq!((session.events, session.odd, session.at, session.worst), (3, 3, 1, other));
    assert_eq!(session.expected.map(|c| c.id), [0, 1, 2]);
}

#[test]
fn refused_events_and_memory_have_names() {
    let ids = EventIds::last_two(5);
    for wrong in [EventIds { end: 5, ..ids }, EventIds { end: 4, ..ids }, EventIds { vocab_size: 6, ..ids }] {
        assert_eq!(detector(wrong).err(), Some(ConfigError::ShapesDiffer));
    }
    let short = Detector::with_buffers(Odds([0.2; 5], 0), ids, vec![0.0; 9]).err();
    assert_eq!(short, Some(ConfigError::BufferLength { needed: 10, given: 9 }));

    let mut detector = detector(EventIds { beyond: Beyond::Refuse, ..ids }).unwrap();
    assert_eq!(detector.observe(5).err(), Some(StepError::IdOutOfRange { id: 5 }));
    detector.observe(0).unwrap();
    assert_eq!(detector.observe(2).err(), Some(StepError::NonFinitePrediction));
    detector.observe(0).unwrap();
    assert_eq!(detector.model().1, 2, "the session behind an error is another one");
    let mut kept = [0.0; 10];
    assert!(detector.keep(&mut kept[1..]).is_err() && detector.revert(&kept[1..]).is_err());
    detector.keep(&mut kept).unwrap();
    detector.clear_measures();
    assert_eq!(detector.measures(), [0.0; 10]);
    detector.revert(&kept).unwrap();
    assert_eq!(detector.measures()[..2], [100.0, 50.0]);
}

#[test]
fn in_a_stream_the_guard_counts_events_while_it_learns() {
    let mut detector = detector(EventIds::last_two(5)).unwrap();
    detector.set_threshold(-100.0); // everything is odd
    detector.set_guard(Guard::new(0.5, 1, u32::MAX));
    detector.observe_stream(1).unwrap();
    assert_eq!(detector.guard().state(), GuardState::Learning, "it watches");
    detector.set_doing(Doing::Learn);
    detector.observe(1).unwrap();
    assert_eq!(detector.guard().state(), GuardState::Learning, "an event of a session");
    detector.observe_stream(1).unwrap();
    assert_eq!(detector.guard().state(), GuardState::Holding);
    let before = detector.measures().to_vec();
    detector.observe_stream(1).unwrap();
    assert_eq!(detector.measures(), before);
    detector.guard_mut().adapt();
    detector.observe_stream(1).unwrap();
    assert_ne!(detector.measures(), before);
}
