//! Promise: a balance finds the sessions where an event outnumbers another one that it never outnumbered before, and
//! no others; what comes now and then doesn't become normal, what is taught or lasts does.

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;
use rnnlm::{Balance, ConfigError, Detector, Doing, EventIds, Foresight, Guard, GuardState, SessionVerdict, StepError};

/// More than one word of bits.
const V: u32 = 37;
const END: u32 = V - 2;

/// Expects nothing in particular.
struct Anything([f32; V as usize]);

impl Foresight for Anything {
    fn probabilities(&self) -> &[f32] {
        &self.0
    }

    fn read(&mut self, _: u32, _: bool) -> Result<(), StepError> {
        Ok(())
    }

    fn restart(&mut self) {}
}

type Balanced = Detector<Anything, Vec<f32>, Vec<u32>>;

/// Whose events count as measured long ago, so that the balance alone judges.
fn detector() -> Balanced {
    let model = Anything([1.0 / V as f32; V as usize]);
    let measures = [[1000.0; V as usize], [3.0; V as usize]].concat();
    let balance = Balance::new(V as usize).unwrap();
    Detector::with_buffers(model, EventIds::last_two(V), measures).unwrap().with_balance(balance).unwrap()
}

fn session(detector: &mut Balanced, doing: Doing, events: &[u32]) -> SessionVerdict {
    detector.set_doing(doing);
    let verdict = detector.session(events).unwrap();
    assert_eq!(verdict.is_odd, verdict.imbalance.is_some());
    assert_eq!(verdict.excess() == f32::INFINITY, verdict.is_odd);
    verdict
}

/// The same by sets of pairs.
#[derive(Default)]
struct Naive {
    sessions: HashMap<u32, u32>,
    outnumbers: HashSet<(u32, u32)>,
}

impl Naive {
    fn counts(events: &[u32]) -> Vec<u32> {
        let count = |id| events.iter().chain([&END]).filter(|&&event| event.min(V - 1) == id).count() as u32;
        (0..V).map(count).collect()
    }

    fn pairs(counts: &[u32]) -> Vec<(u32, u32)> {
        let pairs = (0..V).flat_map(|a| (0..V).map(move |b| (a, b)));
        pairs.filter(|&(a, b)| counts[a as usize] > counts[b as usize]).collect()
    }

    fn add(&mut self, events: &[u32]) {
        let counts = Self::counts(events);
        self.outnumbers.extend(Self::pairs(&counts));
        (0..V).filter(|&id| counts[id as usize] > 0).for_each(|id| *self.sessions.entry(id).or_default() += 1);
    }

    /// Those that are broken: how many sessions kept them, by how much they are broken, and the pair.
    fn broken(&self, events: &[u32]) -> Vec<(u32, u32, (u32, u32))> {
        let counts = Self::counts(events);
        let of = |(a, b)| {
            let sessions = self.sessions.get(&a).copied().unwrap_or(0);
            (sessions, counts[a as usize] - counts[b as usize], (a, b))
        };
        let unseen = Self::pairs(&counts).into_iter().filter(|pair| !self.outnumbers.contains(pair));
        unseen.map(of).filter(|(sessions, ..)| *sessions >= 64).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn what_is_found_is_what_sets_of_pairs_find(
        // events of both words, some beyond V; in some cases enough sessions to know those that come in pairs
        normal in prop::collection::vec(prop::collection::vec(28..40_u32, 0..12), 100..260),
        others in prop::collection::vec(prop::collection::vec(prop_oneof![8..11_u32, 28..40_u32], 0..14), 40),
    ) {
        let (mut detector, mut naive) = (detector(), Naive::default());
        for events in &normal {
            // some never come without another one
            let with_pairs = |&event: &u32| if event < 31 { vec![event, event - 20] } else { vec![event] };
            let events: Vec<u32> = events.iter().flat_map(with_pairs).collect();
            session(&mut detector, Doing::Measure, &events);
            naive.add(&events);
        }
        for events in &others {
            let broken = naive.broken(events);
            match session(&mut detector, Doing::Watch, events).imbalance {
                None => prop_assert!(broken.is_empty(), "{broken:?} passed over"),
                Some(found) => {
                    let [more, fewer] = found.counts;
                    let found = (found.sessions, more - fewer, (found.more, found.fewer));
                    prop_assert!(broken.contains(&found), "{found:?} is not among {broken:?}");
                    prop_assert!(broken.iter().all(|other| (other.0, other.1) <= (found.0, found.1)));
                }
            }
        }
    }
}

/// Opened as often as closed, in a hundred sessions.
fn measured() -> Balanced {
    let mut detector = detector();
    for i in 0..100 {
        session(&mut detector, Doing::Measure, &[[0, 1], [0, 1]].concat()[..2 + 2 * (i % 2)]);
    }
    detector
}

const CLOSED_TWICE: [u32; 3] = [0, 1, 1];

#[test]
fn what_is_taught_or_lasts_becomes_normal_and_what_comes_now_and_then_does_not() {
    let mut detector = measured();
    let kept = detector.balance().clone();
    detector.set_guard(Guard::new(0.2, 10, 20));
    // one in ten
    for i in 0..200 {
        let is_odd = i % 10 == 9;
        let verdict = session(&mut detector, Doing::Learn, if is_odd { &CLOSED_TWICE } else { &[0, 1] });
        assert_eq!(verdict.imbalance.is_some(), is_odd, "session {i}");
    }
    // it lasts
    let states: Vec<_> = (0..40)
        .map(|_| (session(&mut detector, Doing::Learn, &CLOSED_TWICE).is_odd, detector.guard().state()))
        .collect();
    assert!(states[5..15].iter().all(|state| *state == (true, GuardState::Holding)), "{states:?}");
    assert!(!states[39].0, "{states:?}");
    // back, and taught
    *detector.balance_mut() = kept;
    assert!(session(&mut detector, Doing::Watch, &CLOSED_TWICE).is_odd);
    detector.teach(&CLOSED_TWICE).unwrap();
    assert!(!session(&mut detector, Doing::Watch, &CLOSED_TWICE).is_odd);
    detector.balance_mut().clear();
    assert!(detector.balance().learned().iter().all(|&word| word == 0));
}

#[test]
fn an_event_that_is_new_to_a_learner_is_judged_once_it_is_known() {
    let mut detector = measured();
    // 5 and 6 as often as each other
    for i in 0..64 {
        let verdict = session(&mut detector, Doing::Learn, &[0, 1, 5, 6]);
        assert_eq!(verdict.imbalance, None, "session {i}");
    }
    let found = session(&mut detector, Doing::Learn, &[0, 1, 5, 5, 6]).imbalance.unwrap();
    assert_eq!((found.more, found.counts[0], found.sessions), (5, 2, 64));
}

#[test]
fn what_was_learned_can_be_saved_and_memory_of_another_length_has_an_error() {
    let mut first = measured();
    let mut words = first.balance().learned().to_vec();
    words.extend([7; V as usize]); // left by the last session
    let again = Balance::with_buffer(V as usize, words).unwrap();
    let mut second = detector().with_balance(again).unwrap();
    for events in [&CLOSED_TWICE[..], &[0, 1], &[0], &[], &[0, 0, 1, 1]] {
        let [a, b] = [&mut first, &mut second].map(|detector| session(detector, Doing::Watch, events).imbalance);
        assert_eq!(a, b);
    }
    assert_eq!(Balance::words(37), 37 * 4);
    let short = Balance::with_buffer(37, [0; 37 * 4 - 1]).err();
    assert_eq!(short, Some(ConfigError::BufferLength { needed: 148, given: 147 }));
    assert!(Balance::with_buffer(usize::MAX, [0; 9]).is_err());
    let other = detector().with_balance(Balance::new(36).unwrap()).err();
    assert_eq!(other, Some(ConfigError::ShapesDiffer));
}
