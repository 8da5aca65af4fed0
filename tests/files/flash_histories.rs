//! Promise: whatever happens to flash, the newest record that is still as it was saved is loaded: after saves, cuts,
//! flipped bits, words that can't be read for a while and come back, and cells that wear out, in any order.
#![cfg(feature = "alloc")]

use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;

use crate::{
    checkpoint_corruption::crc32,
    flash::{Flash, TORN, Twice},
    slots::UNITS,
};

#[derive(Clone, Debug)]
enum Event {
    Save { len: usize },
    Cut { len: usize, units: usize },
    Rot { byte: usize, bit: u8 },
    Unreadable { byte: usize },
    Heal,
    Wear { byte: usize },
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        4 => (0_usize..4096).prop_map(|len| Event::Save { len }),
        4 => (0_usize..4096, 0_usize..10_000).prop_map(|(len, units)| Event::Cut { len, units }),
        2 => (0_usize..100_000, 0_u8..8).prop_map(|(byte, bit)| Event::Rot { byte, bit }),
        2 => (0_usize..100_000).prop_map(|byte| Event::Unreadable { byte }),
        1 => Just(Event::Heal),
        1 => (0_usize..100_000).prop_map(|byte| Event::Wear { byte }),
    ];
    prop::collection::vec(event, 1..40)
}

struct Record {
    place: usize,
    content: Vec<u8>,
}

/// All that was saved, and what of it is still there.
struct History {
    flash: Flash,
    records: Vec<Record>,
    /// The power failed before a first save had erased what was on the device.
    is_unsettled: bool,
}

impl History {
    /// The newest record that can be read and is as it was.
    fn newest(&self) -> Option<Vec<u8>> {
        let flash = &self.flash;
        let is_there = |Record { place, content }: &&Record| {
            let (head, start) = (&flash.bytes[*place..][..16], place + flash.head_room());
            let summed = [&head[..4], &(content.len() as u32).to_le_bytes(), content].concat();
            // the last four bytes of the head mean nothing
            flash.can_be_read(*place, 16, 12)
                && head[4..8] == summed[4..8]
                && head[8..12] == crc32(&summed).to_le_bytes()
                && flash.can_be_read(start, content.len(), content.len())
                && flash.bytes[start..].starts_with(content)
        };
        self.records.iter().rev().find(is_there).map(|record| record.content.clone())
    }

    fn save(&mut self, now: usize, len: usize, cut: usize) {
        // no two are equal
        let mut content = now.to_le_bytes().to_vec();
        content
            .resize(8 + len % (self.flash.room - 8 - self.flash.read_unit.max(self.flash.write_unit) / 2), now as u8);
        let before = self.newest();
        let (done, cut_came) = self.flash.save_with_a_cut(&content, cut);
        let found = self.flash.found().ok();
        match done {
            Ok(()) => assert_eq!(found.as_ref(), Some(&content)),
            // with several places there is another one
            Err(_) => assert!(cut_came || self.flash.stuck.is_some() && self.flash.places == 1, "{done:?}"),
        }
        assert!(found == before || found.as_ref() == Some(&content), "{done:?}: {before:?} was lost");
        self.is_unsettled = done.is_err() && (self.is_unsettled || before.is_none());
        // wherever it is: what failed in one place may be whole there, or become so
        let (slot_len, stride) = (self.flash.slot_len, self.flash.stride());
        for place in [0, slot_len].into_iter().flat_map(|slot| (0..self.flash.places).map(move |i| slot + i * stride)) {
            self.records.push(Record { place, content: content.clone() });
        }
    }

    fn happens(&mut self, event: &Event, now: usize) {
        let len = self.flash.bytes.len();
        match *event {
            Event::Save { len } => self.save(now, len, usize::MAX),
            Event::Cut { len, units } => {
                let most = (2 * self.flash.slot_len + self.flash.stride()) / self.flash.write_unit;
                self.save(now, len, 1 + units % most);
            }
            Event::Rot { byte, bit } => {
                self.flash.bytes[byte % len] ^= 1 << bit;
                // a worn cell stays as it is
                self.flash.wear();
            }
            Event::Unreadable { byte } => self.flash.make_unreadable(byte % len),
            Event::Heal if self.is_unsettled => {}
            Event::Heal => self.flash.heal(),
            Event::Wear { byte } => self.flash.wear_out(byte % len),
        }
    }
}

static EVENTS: AtomicUsize = AtomicUsize::new(0);

fn whatever_happens((read, write): (usize, usize), places: usize, torn: usize, seed: u64, events: &[Event]) {
    let mut flash = Flash::new(read, write, places, TORN[torn % 4], seed);
    if torn >= 4 {
        flash.twice = Twice::Spoils;
    }
    let mut history = History { flash, records: Vec::new(), is_unsettled: false };
    for (now, event) in events.iter().enumerate() {
        history.happens(event, now);
        assert_eq!(history.flash.found().ok(), history.newest(), "after {event:?}");
    }
    history.flash.stuck = None;
    history.flash.saved(2);
    let all = EVENTS.fetch_add(events.len(), Ordering::Relaxed) + events.len();
    if all / 100_000 > (all - events.len()) / 100_000 {
        println!("{all} events, nothing lost");
    }
}

fn histories(cases: u32) -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases) }
}

proptest! {
    #![proptest_config(histories(5000))]
    #[test]
    fn the_newest_record_that_is_whole_is_loaded(
        units in prop::sample::select(UNITS.to_vec()),
        places in 1_usize..5,
        torn in 0_usize..8,
        seed in any::<u64>(),
        events in events(),
    ) {
        whatever_happens(units, places, torn, seed, &events);
    }
}

proptest! {
    #![proptest_config(histories(200_000))]
    #[test]
    #[ignore = "minutes"]
    fn the_newest_record_of_many_histories_is_loaded(
        units in prop::sample::select(UNITS.to_vec()),
        places in 1_usize..9,
        torn in 0_usize..8,
        seed in any::<u64>(),
        events in events(),
    ) {
        whatever_happens(units, places, torn, seed, &events);
    }
}
