//! Promise: a power cut in any unit of a save to flash leaves the old content or the new, whatever the unit's length,
//! also where what was torn can't be read or reads differently each time. What is loaded is what the checksum was taken
//! of. Nothing that happened keeps the next save from working.

use std::mem;

use proptest::prelude::*;
use rnnlm::{BlockDevice, SlotError, TwoSlots, Xorshift};

const UNITS: [usize; 10] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    NoPower,
    Unreadable,
    WrittenTwice,
    NotErased,
}

/// What a unit is after the power failed while it was erased or written.
#[derive(Clone, Copy, Debug)]
enum Torn {
    /// Some bits are the new ones.
    Partly,
    /// The error correction finds it.
    Unreadable,
    /// Other bits at each reading.
    Unsteady,
}

/// What a device does that is to write a unit for the second time.
#[derive(Clone, Copy, Debug)]
enum Twice {
    /// Bits that are 0 stay 0.
    Merges,
    Refuses,
    /// Says nothing, and the error correction finds it when it is read.
    Spoils,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Erased,
    Written,
    Unreadable,
    Unsteady,
}

/// Readings that go wrong: so many, after so many.
#[derive(Clone, Copy, Debug)]
struct Glitch {
    after: usize,
    count: usize,
    as_error: bool,
}

#[derive(Clone, Debug)]
struct Flash {
    unit: usize,
    slot_len: usize,
    bytes: Vec<u8>,
    states: Vec<State>,
    torn: Torn,
    twice: Twice,
    /// The power fails in the last of so many units erased or written; 0 is without power.
    power: usize,
    erases: usize,
    /// A byte that stays 0.
    stuck: Option<usize>,
    glitch: Option<Glitch>,
    reads: usize,
    last_written: usize,
    rng: Xorshift,
}

impl Flash {
    /// Full of whatever was there.
    fn new(unit: usize, torn: Torn, seed: u64) -> Self {
        let mut rng = Xorshift::new(seed);
        let slot_len = if unit <= 32 { 160 } else { 4 * unit };
        let bytes: Vec<u8> = (0..2 * slot_len).map(|_| rng.next_u32() as u8).collect();
        let states = vec![State::Written; bytes.len() / unit];
        // head and content share a unit of more than 16 bytes
        let twice = if unit <= 16 { Twice::Refuses } else { Twice::Merges };
        let [power, erases] = [usize::MAX; 2];
        let (stuck, glitch, reads, last_written) = (None, None, 0, 0);
        Self { unit, slot_len, bytes, states, torn, twice, power, erases, stuck, glitch, reads, last_written, rng }
    }

    fn content(&mut self) -> Vec<u8> {
        let len = self.rng.below(self.slot_len as u32 - 15);
        (0..len).map(|_| self.rng.next_u32() as u8).collect()
    }

    fn save(&mut self, content: &[u8]) -> Result<(), SlotError<Fault>> {
        let slot_len = self.slot_len;
        TwoSlots::new(self, slot_len).save(content)
    }

    fn load(&mut self) -> Result<Vec<u8>, SlotError<Fault>> {
        let slot_len = self.slot_len;
        let mut bytes = vec![0; slot_len];
        let len = TwoSlots::new(self, slot_len).load(&mut bytes)?;
        bytes.truncate(len);
        Ok(bytes)
    }

    /// Load and find, which must agree.
    fn found(&mut self) -> Result<Vec<u8>, SlotError<Fault>> {
        let slot_len = self.slot_len;
        let loaded = self.load();
        let found = TwoSlots::new(&mut *self, slot_len).find();
        assert_eq!(loaded.clone().err(), found.err());
        if let (Ok(loaded), Ok((address, len))) = (&loaded, found) {
            assert_eq!(loaded, &self.bytes[address..address + len]);
        }
        loaded
    }

    fn save_and_load(&mut self) -> Vec<u8> {
        let content = self.content();
        self.save(&content).unwrap();
        assert_eq!(self.found().as_ref(), Ok(&content));
        content
    }

    /// Saves so often, and says what is there then.
    fn saved(&mut self, times: usize) -> Option<Vec<u8>> {
        (0..times).map(|_| self.save_and_load()).last()
    }

    fn units(&self, address: usize, len: usize) -> std::ops::Range<usize> {
        if len == 0 { 0..0 } else { address / self.unit..(address + len - 1) / self.unit + 1 }
    }

    /// The unit gets these bytes, unless the power fails in it.
    fn change(&mut self, unit: usize, new: &[u8], state: State) -> Result<(), Fault> {
        self.power = self.power.checked_sub(1).ok_or(Fault::NoPower)?;
        let bytes = &mut self.bytes[unit * self.unit..][..self.unit];
        if self.power > 0 {
            bytes.copy_from_slice(new);
            self.states[unit] = state;
            if let Some(at) = self.stuck {
                self.bytes[at] = 0;
            }
            return Ok(());
        }
        self.states[unit] = match self.torn {
            Torn::Partly => State::Written,
            Torn::Unreadable => State::Unreadable,
            Torn::Unsteady => State::Unsteady,
        };
        let old = bytes[0];
        for (byte, new) in bytes.iter_mut().zip(new) {
            let mask = self.rng.next_u32() as u8;
            *byte = *byte & mask | new & !mask;
        }
        if bytes[0] == old {
            bytes[0] = !old;
        }
        Err(Fault::NoPower)
    }

    /// What couldn't be read can be read again.
    fn heal(&mut self) {
        let unreadable = self.states.iter_mut().filter(|state| **state == State::Unreadable);
        unreadable.for_each(|state| *state = State::Written);
    }

    fn make_unreadable(&mut self, address: usize) {
        self.states[address / self.unit] = State::Unreadable;
    }
}

impl BlockDevice for &mut Flash {
    type Error = Fault;

    fn read(&mut self, address: usize, to: &mut [u8]) -> Result<(), Fault> {
        if self.power == 0 {
            return Err(Fault::NoPower);
        }
        to.copy_from_slice(&self.bytes[address..address + to.len()]);
        for unit in self.units(address, to.len()) {
            match self.states[unit] {
                State::Unreadable => return Err(Fault::Unreadable),
                State::Unsteady => {
                    for (at, byte) in to.iter_mut().enumerate() {
                        if (address + at) / self.unit == unit {
                            *byte = self.rng.next_u32() as u8;
                        }
                    }
                }
                State::Erased | State::Written => {}
            }
        }
        self.reads += 1;
        if let Some(Glitch { after, count, as_error }) = self.glitch
            && (self.reads - 1).checked_sub(after).is_some_and(|at| at < count)
        {
            if as_error {
                return Err(Fault::Unreadable);
            }
            if !to.is_empty() {
                let at = self.rng.below(to.len() as u32) as usize;
                to[at] ^= 1 << self.rng.below(8);
            }
        }
        Ok(())
    }

    fn erase(&mut self, address: usize, len: usize) -> Result<(), Fault> {
        assert_eq!((address % self.slot_len, len), (0, self.slot_len));
        self.erases = self.erases.checked_sub(1).ok_or(Fault::NotErased)?;
        let erased = vec![0xff; self.unit];
        self.units(address, len).try_for_each(|unit| self.change(unit, &erased, State::Erased))
    }

    fn write(&mut self, address: usize, bytes: &[u8]) -> Result<(), Fault> {
        self.last_written = address;
        for unit in self.units(address, bytes.len()) {
            // filled up, as flash needs it
            let start = unit * self.unit;
            let mut new: Vec<u8> = self.bytes[start..start + self.unit].to_vec();
            for (at, new) in new.iter_mut().enumerate() {
                *new &= (start + at).checked_sub(address).and_then(|at| bytes.get(at)).unwrap_or(&0xff);
            }
            let state = match (self.states[unit], self.twice) {
                (State::Erased, _) | (_, Twice::Merges) => State::Written,
                (_, Twice::Refuses) => return Err(Fault::WrittenTwice),
                (_, Twice::Spoils) => State::Unreadable,
            };
            self.change(unit, &new, state)?;
        }
        Ok(())
    }
}

#[test]
fn a_cut_in_every_unit_leaves_the_old_or_the_new() {
    for unit in UNITS {
        let (mut old, mut new) = (0, 0);
        for torn in [Torn::Partly, Torn::Unreadable, Torn::Unsteady] {
            for before in 0..4 {
                for cut in 1.. {
                    let case = format!("unit {unit}, {torn:?}, {before} saves, cut in unit {cut}");
                    let mut flash = Flash::new(unit, torn, cut as u64);
                    let saved = flash.saved(before);
                    let next = flash.content();
                    flash.power = cut;
                    let done = flash.save(&next);
                    let cut_came = mem::replace(&mut flash.power, usize::MAX) == 0;
                    assert_eq!(done, if cut_came { Err(SlotError::Device(Fault::NoPower)) } else { Ok(()) }, "{case}");
                    let found = flash.found().ok();
                    assert!(found == saved || cut_came || found.as_ref() == Some(&next), "{case}");
                    assert!(found == saved || found.as_ref() == Some(&next), "{case}");
                    assert_eq!(flash.found().ok(), found, "{case}");
                    if found == saved {
                        old += 1;
                    } else {
                        new += 1;
                    }
                    // and life goes on
                    flash.saved(2);
                    if !cut_came {
                        assert_eq!(found, Some(next), "{case}");
                        break;
                    }
                }
            }
        }
        assert!(old > 40 && new > 10, "unit {unit}: {old} {new}");
    }
}

/// Head and content share a unit that is longer than 16 bytes. Then no save succeeds, none seems to, and none costs
/// what was there.
#[test]
fn units_that_can_be_written_once_keep_what_was_there() {
    for unit in UNITS {
        for (twice, fault) in [(Twice::Refuses, Fault::WrittenTwice), (Twice::Spoils, Fault::Unreadable)] {
            for before in 0..3 {
                for cut in (1..100).chain([usize::MAX]) {
                    let mut flash = Flash::new(unit, Torn::Unreadable, 5);
                    let saved = flash.saved(before);
                    flash.twice = twice;
                    flash.power = cut;
                    // longer than what a unit has beside the head
                    let next = vec![7; flash.slot_len - 16];
                    let done = flash.save(&next);
                    let cut_came = mem::replace(&mut flash.power, usize::MAX) == 0;
                    if unit <= 16 {
                        assert!(cut_came || done == Ok(()));
                        flash.save_and_load();
                        continue;
                    }
                    // a cut may also come after the fault
                    let cut = cut_came && done == Err(SlotError::Device(Fault::NoPower));
                    assert!(cut || done == Err(SlotError::Device(fault)), "{done:?}");
                    assert_eq!(flash.found().ok(), saved, "unit {unit}, {twice:?}, {before} saves, cut in unit {cut}");
                }
            }
        }
    }
}

/// A single wrong reading changes nothing; where more go wrong, there is no other content than one that was saved.
#[test]
fn what_is_read_wrong_is_not_loaded() {
    for (before, as_error) in [(1, false), (2, false), (3, false), (1, true), (2, true), (3, true)] {
        let mut flash = Flash::new(8, Torn::Partly, 9);
        let contents: Vec<Vec<u8>> = (0..before).map(|i| vec![i; 130]).collect();
        contents.iter().for_each(|content| flash.save(content).unwrap());
        let newest = contents.last().unwrap();
        flash.reads = 0;
        assert_eq!(flash.load().as_ref(), Ok(newest));
        let reads = flash.reads;
        for after in 0..reads + 2 {
            for count in [1, 2, 3, usize::MAX] {
                let mut flash = Flash { reads: 0, glitch: Some(Glitch { after, count, as_error }), ..flash.clone() };
                let loaded = flash.load();
                let found = TwoSlots::new(&mut Flash { reads: 0, ..flash.clone() }, 160).find();
                if count == 1 || after >= reads {
                    assert_eq!(loaded.as_ref(), Ok(newest), "reading {after} of {reads}");
                    let (address, len) = found.unwrap();
                    assert_eq!(&flash.bytes[address..address + len], newest);
                } else if let Ok(loaded) = loaded {
                    assert!(
                        contents.iter().rev().take(2).any(|content| *content == loaded),
                        "reading {after}: {loaded:?}"
                    );
                }
            }
        }
        // the last reading is the one that is handed over; where it fails twice, the other slot serves
        for count in [2, usize::MAX] {
            let glitch = Some(Glitch { after: reads - 1, count, as_error });
            let older = contents.iter().rev().nth(1).filter(|_| count == 2).cloned();
            let fault = if as_error { SlotError::Device(Fault::Unreadable) } else { SlotError::Empty };
            assert_eq!(Flash { reads: 0, glitch, ..flash.clone() }.load(), older.ok_or(fault));
        }
    }
}

#[test]
fn a_save_that_reads_wrong_costs_nothing() {
    for before in 0..4 {
        for as_error in [false, true] {
            let (mut done, mut refused) = (0, 0);
            for after in 0..30 {
                for count in [1, 2] {
                    let mut flash = Flash::new(4, Torn::Partly, 9);
                    let saved = flash.saved(before);
                    let next = vec![8; 130];
                    (flash.reads, flash.glitch) = (0, Some(Glitch { after, count, as_error }));
                    let result = flash.save(&next);
                    flash.glitch = None;
                    if result.is_ok() {
                        done += 1;
                        assert_eq!(flash.found(), Ok(next), "reading {after}");
                    } else {
                        refused += 1;
                        assert_eq!(flash.found().ok(), saved, "reading {after}");
                    }
                    flash.saved(2);
                }
            }
            assert!(done > 20 && refused > 3, "{done} {refused}");
        }
    }
}

/// Each unit of each slot in turn, and of both.
#[test]
fn a_unit_that_cannot_be_read_leaves_the_other_slot() {
    for unit in UNITS {
        for before in 1..4 {
            let mut flash = Flash::new(unit, Torn::Partly, 3);
            let full = flash.slot_len - 16;
            let contents: Vec<Vec<u8>> = (1..=before).map(|i| vec![i; full]).collect();
            contents.iter().for_each(|content| flash.save(content).unwrap());
            let [mut newest, mut older] = [0, flash.slot_len];
            if before == 2 {
                mem::swap(&mut newest, &mut older);
            }
            for at in (0..flash.slot_len).step_by(unit) {
                let mut one = flash.clone();
                one.make_unreadable(older + at);
                assert_eq!(one.found().as_ref(), Ok(contents.last().unwrap()));
                let mut one = flash.clone();
                one.make_unreadable(newest + at);
                let other = contents.iter().rev().nth(1).cloned();
                assert_eq!(one.found(), other.clone().ok_or(SlotError::Device(Fault::Unreadable)));
                let mut both = one.clone();
                both.make_unreadable(older + at);
                assert_eq!(both.found(), Err(SlotError::Device(Fault::Unreadable)));
                for mut flash in [one, both] {
                    let next = flash.save_and_load();
                    // what was saved earlier must not come back
                    flash.heal();
                    assert_eq!(flash.found(), Ok(next));
                    flash.saved(2);
                }
            }
        }
    }
}

/// What can't be read for the time being isn't overwritten while there is another place.
#[test]
fn the_only_content_outlives_a_cut_while_it_cannot_be_read() {
    for cut in 1..130 {
        let mut flash = Flash::new(8, Torn::Partly, cut as u64);
        let saved = flash.save_and_load();
        flash.make_unreadable(24);
        let next = flash.content();
        flash.power = cut;
        let done = flash.save(&next);
        flash.power = usize::MAX;
        flash.heal();
        let found = flash.found().unwrap();
        assert!(found == next || done.is_err() && found == saved, "cut in unit {cut}");
    }
}

#[test]
fn a_worn_cell_and_a_refused_erase_cost_nothing() {
    for before in 0..4 {
        let mut flash = Flash::new(8, Torn::Partly, 2);
        let saved = flash.saved(before);
        let target = if before % 2 == 0 { 0 } else { flash.slot_len };
        flash.stuck = Some(target + 20);
        assert_eq!(flash.save(&[1; 30]), Err(SlotError::Unverified));
        assert_eq!(flash.found().ok(), saved);
        flash.stuck = None;
        flash.erases = 0;
        assert_eq!(flash.save(&[2; 30]), Err(SlotError::Device(Fault::NotErased)));
        assert_eq!(flash.found().ok(), saved);
        flash.erases = usize::MAX;
        flash.saved(3);
    }
    // the erase after the first save: what couldn't be erased might come back
    let mut flash = Flash { erases: 1, ..Flash::new(8, Torn::Partly, 2) };
    assert_eq!(flash.save(&[3; 30]), Err(SlotError::Device(Fault::NotErased)));
    flash.erases = usize::MAX;
    assert_eq!(flash.found(), Ok(vec![3; 30]));
    flash.saved(3);
}

/// Every place holds the same bytes.
struct Everywhere([u8; 16]);

impl BlockDevice for Everywhere {
    type Error = ();
    fn read(&mut self, _: usize, to: &mut [u8]) -> Result<(), ()> {
        to.iter_mut().zip(self.0.iter().cycle()).for_each(|(to, from)| *to = *from);
        Ok(())
    }
    fn erase(&mut self, _: usize, _: usize) -> Result<(), ()> {
        Ok(())
    }
    fn write(&mut self, _: usize, _: &[u8]) -> Result<(), ()> {
        Ok(())
    }
}

#[test]
fn slots_of_any_length_are_no_panic() {
    let mut flash = Flash::new(1, Torn::Partly, 1);
    flash.save(&[]).unwrap();
    let head = flash.bytes[..16].try_into().unwrap();
    for slot_len in (0..40).chain(usize::MAX - 40..=usize::MAX) {
        let mut slots = TwoSlots::new(Everywhere(head), slot_len);
        let whole = slot_len >= 16;
        assert_eq!(slots.load(&mut []), if whole { Ok(0) } else { Err(SlotError::Empty) });
        assert_eq!(slots.find().is_ok(), whole);
        let needed =
            if whole { Err(SlotError::Unverified) } else { Err(SlotError::TooLong { needed: 16, given: slot_len }) };
        assert_eq!(slots.save(&[]), needed);
    }
}

#[derive(Clone, Debug)]
enum Event {
    Save { len: usize },
    Cut { len: usize, units: usize },
    Rot { second: bool, byte: usize, bit: u8 },
    Unreadable { second: bool, byte: usize },
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        (0_usize..4096).prop_map(|len| Event::Save { len }),
        (0_usize..4096, 1_usize..500).prop_map(|(len, units)| Event::Cut { len, units }),
        (any::<bool>(), 0_usize..4096, 0_u8..8).prop_map(|(second, byte, bit)| Event::Rot { second, byte, bit }),
        (any::<bool>(), 0_usize..4096).prop_map(|(second, byte)| Event::Unreadable { second, byte }),
    ];
    prop::collection::vec(event, 1..24)
}

/// What each slot must hold, and since when.
#[derive(Default)]
struct Expected([Option<(usize, Vec<u8>)>; 2]);

impl Expected {
    fn newest(&self) -> Option<&Vec<u8>> {
        self.0.iter().flatten().max().map(|(_, content)| content)
    }

    /// The event, done to the flash; what must be loaded from then on.
    fn after(&mut self, event: &Event, now: usize, flash: &mut Flash) {
        let slot_len = flash.slot_len;
        match *event {
            Event::Save { len } | Event::Cut { len, .. } => {
                // no two are equal
                let mut content = now.to_le_bytes().to_vec();
                content.resize(8 + len % (slot_len - 23), now as u8);
                if let Event::Cut { units, .. } = *event {
                    flash.power = units % (3 * slot_len / flash.unit) + 1;
                }
                let done = flash.save(&content);
                let cut_came = mem::replace(&mut flash.power, usize::MAX) == 0;
                assert_eq!(done.is_err(), cut_came, "{done:?}");
                let found = flash.found().ok();
                assert!(done.is_err() || found.as_ref() == Some(&content));
                assert!(found.as_ref() == Some(&content) || found.as_ref() == self.newest());
                let new = found.filter(|found| *found == content).map(|content| (now, content));
                // what was torn at the first unit was not written
                let older = usize::from(self.0[1] < self.0[0]);
                let target = if done.is_ok() || new.is_some() { flash.last_written / slot_len } else { older };
                self.0[target] = new;
            }
            Event::Rot { second, byte, .. } | Event::Unreadable { second, byte } => {
                let (slot, byte) = (usize::from(second), byte % slot_len);
                let address = slot * slot_len + byte;
                let Some((_, content)) = &self.0[slot] else { return };
                let mut read = byte..byte + 1;
                if let Event::Rot { bit, .. } = *event {
                    flash.bytes[address] ^= 1 << bit;
                } else {
                    flash.make_unreadable(address);
                    read = byte / flash.unit * flash.unit..(byte / flash.unit + 1) * flash.unit;
                }
                // bytes 12 to 15 mean nothing, but are read
                let harmless = matches!(event, Event::Rot { .. }) && (12..16).contains(&byte);
                if read.start < 16 + content.len() && !harmless {
                    self.0[slot] = None;
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1000) })]
    #[test]
        fn whatever_happens_the_last_whole_content_is_loaded(
        unit in prop::sample::select(UNITS.to_vec()),
        torn in prop::sample::select(vec![Torn::Partly, Torn::Unreadable, Torn::Unsteady]),
        seed in any::<u64>(),
        events in events(),
    ) {
        let mut flash = Flash::new(unit, torn, seed);
        let mut expected = Expected::default();
        for (now, event) in events.iter().enumerate() {
            expected.after(event, now, &mut flash);
            let found = flash.found().ok();
            prop_assert_eq!(found.as_ref(), expected.newest(), "after {:?}", event);
        }
        flash.saved(2);
    }
}
