//! Promise: a power cut in any unit of a save to flash leaves the old content or the new, whatever the units' lengths
//! and however many records a slot takes, also where what was torn can't be read, reads differently each time or seems
//! to be erased. No unit is written twice between two erases. What is loaded is what the checksum was taken of. Nothing
//! that happened keeps the next save from working, and nothing that was saved earlier comes back.

use rnnlm::{BlockDevice, SlotError, TwoSlots};

use crate::flash::{Fault, Flash, Glitch, TORN, Torn, Twice};

/// Units of reading and of writing.
pub const UNITS: [(usize, usize); 30] = {
    let mut units = [(1, 1); 30];
    let mut power = 1;
    while power < 10 {
        let unit = 1 << power;
        units[3 * power] = (1, unit);
        units[3 * power + 1] = (unit, 1);
        units[3 * power + 2] = (unit, unit);
        power += 1;
    }
    (units[1], units[2]) = ((4, 32), (512, 8));
    units
};

/// A cut in every unit of a save, or in `most` of them, after so many saves, for each way to be torn; gives how many
/// cases there were.
fn cut_everywhere(units: (usize, usize), places: usize, twice: Twice, most: usize) -> usize {
    let (mut old, mut new) = (0, 0);
    for torn in TORN {
        let mut before = Flash::new(units.0, units.1, places, torn, 7);
        before.twice = twice;
        let mut saved = None;
        for saves in 0..2 * places + 2 {
            // an erase and a record, and the other erase of the first save
            let all = (2 * before.slot_len + before.stride()) / before.write_unit;
            for cut in (1 + saves % all.div_ceil(most)..).step_by(all.div_ceil(most)) {
                let case = format!("units {units:?}, {places} places, {torn:?}, {saves} saves, cut in unit {cut}");
                let mut flash = before.clone();
                let next = flash.content();
                let (done, cut_came) = flash.save_with_a_cut(&next, cut);
                assert_eq!(done, if cut_came { Err(SlotError::Device(Fault::NoPower)) } else { Ok(()) }, "{case}");
                let found = flash.found().ok();
                assert!(found == saved || found.as_ref() == Some(&next), "{case}");
                assert_eq!(flash.found().ok(), found, "{case}");
                if found == saved {
                    old += 1;
                } else {
                    new += 1;
                }
                if !cut_came {
                    assert_eq!(found, Some(next), "{case}");
                    break;
                }
                // and life goes on; what was torn must not come back
                let last = flash.saved(2);
                // but where a torn unit seems to be erased
                assert!(flash.written_twice == 0 || matches!(torn, Torn::Blank), "{case}");
                flash.heal();
                assert_eq!(flash.found().ok(), last, "{case}");
            }
            saved = Some(before.save_and_load());
        }
    }
    assert!(old > 20 && new > 10, "units {units:?}: {old} {new}");
    old + new
}

fn sweep(places: usize, twice: Twice, most: usize) -> usize {
    UNITS.iter().map(|&units| cut_everywhere(units, places, twice, most)).sum()
}

#[test]
fn a_cut_in_every_unit_leaves_the_old_or_the_new() {
    // every unit of most lengths; of slots of many units every few
    let cases = [(1, Twice::Refuses), (3, Twice::Refuses), (2, Twice::Spoils)];
    let cases = cases.map(|(places, twice)| sweep(places, twice, 150));
    println!("{cases:?} power cuts, nothing lost");
    assert!(cases.iter().sum::<usize>() > 40_000, "{cases:?}");
}

#[test]
#[ignore = "minutes"]
fn a_cut_in_every_unit_of_slots_with_many_places() {
    for places in 1..4 {
        let cases = [Twice::Refuses, Twice::Spoils].map(|twice| sweep(places, twice, usize::MAX));
        println!("{places} places: {cases:?} power cuts, nothing lost");
    }
}

/// What is saved after a cut is cut too, again and again.
#[test]
fn cut_after_cut_loses_nothing() {
    let mut cases = 0;
    for units in UNITS {
        for torn in TORN {
            for twice in [Twice::Refuses, Twice::Spoils] {
                let mut flash = Flash::new(units.0, units.1, 3, torn, 5);
                flash.twice = twice;
                let mut saved = flash.saved(2);
                for _ in 0..100 {
                    let next = flash.content();
                    let most = 2 * flash.slot_len / flash.write_unit;
                    let cut = flash.rng.below(most as u32) as usize + 1;
                    let (done, _) = flash.save_with_a_cut(&next, cut);
                    let found = flash.found().ok();
                    assert!(found == saved && done.is_err() || found.as_ref() == Some(&next), "{units:?} {torn:?}");
                    saved = found;
                    cases += 1;
                }
                flash.saved(4);
            }
        }
    }
    println!("{cases} saves with cuts, nothing lost");
}

/// A single wrong reading changes nothing; where more go wrong, there is no other content than one that was saved.
#[test]
fn what_is_read_wrong_is_not_loaded() {
    for (before, as_error) in (1..6).flat_map(|before| [(before, false), (before, true)]) {
        for places in [1, 2] {
            let mut flash = Flash::new(1, 8, places, Torn::Partly, 9);
            let contents: Vec<Vec<u8>> = (0..before).map(|i| vec![i; 40]).collect();
            contents.iter().for_each(|content| flash.save(content).unwrap());
            let newest = contents.last().unwrap();
            flash.reads = 0;
            assert_eq!(flash.load().as_ref(), Ok(newest));
            let reads = flash.reads;
            for after in 0..reads + 2 {
                for count in [1, 2, 3, usize::MAX] {
                    let mut flash =
                        Flash { reads: 0, glitch: Some(Glitch { after, count, as_error }), ..flash.clone() };
                    let loaded = flash.load();
                    let found = Flash { reads: 0, ..flash.clone() }.find();
                    if count == 1 || after >= reads {
                        assert_eq!(loaded.as_ref(), Ok(newest), "reading {after} of {reads}");
                        let (address, len) = found.unwrap();
                        assert_eq!(&flash.bytes[address..address + len], newest);
                    } else if let Ok(loaded) = loaded {
                        assert!(contents.contains(&loaded), "reading {after}: {loaded:?}");
                    }
                }
            }
            // the last reading is the one that is handed over; where it fails twice, the record before it serves
            for count in [2, usize::MAX] {
                let glitch = Some(Glitch { after: reads - 1, count, as_error });
                let older = contents.iter().rev().nth(1).filter(|_| count == 2).cloned();
                let fault = if as_error { SlotError::Device(Fault::Unreadable) } else { SlotError::Empty };
                assert_eq!(Flash { reads: 0, glitch, ..flash.clone() }.load(), older.ok_or(fault), "{before} {places}");
            }
        }
    }
}

#[test]
fn a_save_that_reads_wrong_costs_nothing() {
    for (before, places) in (0..6).flat_map(|before| [(before, 1), (before, 3)]) {
        for as_error in [false, true] {
            let (mut done, mut refused) = (0, 0);
            for after in 0..30 {
                for count in [1, 2] {
                    let mut flash = Flash::new(4, 4, places, Torn::Partly, 9);
                    let saved = flash.saved(before);
                    let next = vec![8; 40];
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
            // with several places the next one serves
            assert!(done > 20 && (refused > 2) == (places == 1), "{done} {refused} {places}");
        }
    }
}

/// One unit after the other: the newest record whose units can all be read.
#[test]
fn a_unit_that_cannot_be_read_leaves_the_other_records() {
    for ((read, write), places) in UNITS.iter().flat_map(|&units| [(units, 1), (units, 3)]) {
        for before in 1..2 * places + 2 {
            let mut flash = Flash::new(read, write, places, Torn::Partly, 3);
            let mut records = Vec::new();
            for i in 1..=before {
                let content = vec![i as u8; flash.room - read.max(write) / 2];
                flash.save(&content).unwrap();
                let place = flash.last_written;
                records.retain(|&(at, _)| place / flash.slot_len != at / flash.slot_len || at < place);
                records.push((place, content));
            }
            let units = 2 * flash.slot_len / write;
            for at in (before % 3..units).step_by(units.div_ceil(60)).map(|unit| unit * write) {
                let mut flash = flash.clone();
                flash.make_unreadable(at);
                let (head, room) = (flash.head_room(), flash.room);
                let len = room - read.max(write) / 2;
                let is_read = |&&(place, _): &&(usize, Vec<u8>)| {
                    flash.can_be_read(place, 16, 16) && flash.can_be_read(place + head, len, len)
                };
                let expected = records.iter().rev().find(is_read).map(|(_, content)| content.clone());
                let fault = SlotError::Device(Fault::Unreadable);
                assert_eq!(flash.found(), expected.ok_or(fault), "units {read} {write}, {places} places, unit at {at}");
                let next = flash.save_and_load();
                // what was saved earlier must not come back
                flash.heal();
                assert_eq!(flash.found(), Ok(next));
                flash.saved(2);
            }
        }
    }
}

/// Records that can't be read for a while, before a save and before the next one, in all combinations; what was hidden
/// comes back.
#[test]
fn a_record_that_cannot_be_read_for_the_time_being_does_not_win_later() {
    let mut cases = 0;
    for places in 1..4 {
        for before in 0..3 * places {
            let masks = 1_usize << (2 * places);
            for hidden in 0..masks * masks {
                let mut flash = Flash::new(8, 8, places, Torn::Partly, 3);
                flash.saved(before);
                for mask in [hidden / masks, hidden % masks, 0, 0] {
                    for place in (0..2 * places).filter(|place| mask >> place & 1 == 1) {
                        let address = place / places * flash.slot_len + place % places * flash.stride();
                        flash.make_unreadable(address);
                    }
                    let last = flash.save_and_load();
                    let mut healed = flash.clone();
                    healed.heal();
                    assert_eq!(healed.found(), Ok(last), "{before} saves in {places} places, hidden {hidden:b}");
                    cases += 1;
                }
            }
        }
    }
    println!("{cases} saves beside records that could not be read, nothing lost");
}

/// Nothing can be read, and the power fails in the save that begins anew: the one after it wins over what comes back.
#[test]
fn what_comes_back_after_a_cut_in_a_first_save_does_not_win() {
    for places in 1..4 {
        for before in 1..3 * places {
            for cut in 1.. {
                let mut flash = Flash::new(8, 8, places, Torn::Partly, 3);
                flash.saved(before);
                (0..2 * flash.slot_len).step_by(8).for_each(|at| flash.make_unreadable(at));
                let next = flash.content();
                let (_, cut_came) = flash.save_with_a_cut(&next, cut);
                let last = flash.save_and_load();
                flash.heal();
                assert_eq!(flash.found(), Ok(last), "{before} saves in {places} places, cut in unit {cut}");
                if !cut_came {
                    break;
                }
            }
        }
    }
}

/// What can't be read for the time being isn't overwritten while there is another place.
#[test]
fn the_only_content_outlives_a_cut_while_it_cannot_be_read() {
    for (cut, places) in (1..130).flat_map(|cut| [(cut, 1), (cut, 3)]) {
        let mut flash = Flash::new(8, 8, places, Torn::Partly, cut as u64);
        let saved = flash.save_and_load();
        flash.make_unreadable(8);
        let next = flash.content();
        let (done, _) = flash.save_with_a_cut(&next, cut);
        flash.heal();
        let found = flash.found().unwrap();
        assert!(found == next || done.is_err() && found == saved, "cut in unit {cut}");
    }
}

#[test]
fn a_worn_cell_and_a_refused_erase_cost_nothing() {
    for before in 0..4 {
        let mut flash = Flash::new(8, 8, 1, Torn::Partly, 2);
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
    for places in [1, 3] {
        let mut flash = Flash { erases: 1, ..Flash::new(8, 8, places, Torn::Partly, 2) };
        assert_eq!(flash.save(&[3; 30]), Err(SlotError::Device(Fault::NotErased)));
        flash.erases = usize::MAX;
        assert_eq!(flash.found(), Ok(vec![3; 30]));
        flash.saved(3);
    }
}

/// With several places no single cell that wears out keeps a save from working.
#[test]
fn a_place_that_is_worn_out_is_passed_over() {
    for units in UNITS {
        for before in 0..9 {
            let flash = Flash::new(units.0, units.1, 3, Torn::Partly, 2);
            let step = flash.slot_len / 29 + 1;
            for at in (0..2 * flash.slot_len).step_by(step) {
                let mut flash = flash.clone();
                flash.saved(before);
                flash.stuck = Some(at);
                flash.saved(8);
            }
        }
    }
}

/// Saves for one erase of each slot: as many as there are places. Both slots wear alike.
#[test]
fn wear_is_one_erase_for_as_many_saves_as_there_are_places() {
    for units in UNITS {
        for places in [1, 2, 5] {
            let mut flash = Flash::new(units.0, units.1, places, Torn::Partly, 2);
            for saves in 1..100_usize {
                flash.save_and_load();
                // the second slot is erased once more, at the first save of all
                let erases = 1 + saves.div_ceil(places);
                assert_eq!(flash.erased, [erases / 2, erases.div_ceil(2)], "{saves} saves");
            }
        }
    }
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
    let mut flash = Flash::new(1, 1, 1, Torn::Partly, 1);
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
        for record_len in (0..40).chain(usize::MAX - 40..=usize::MAX) {
            if slot_len > 40 && record_len < 40 {
                continue;
            }
            let mut slots = TwoSlots::with_records(Everywhere(head), slot_len, record_len);
            let is_there = slots.places() > 0;
            assert_eq!(slots.load(&mut []).is_ok(), is_there);
            assert_eq!(slots.find().is_ok(), is_there);
            let refused = slots.save(&[]).unwrap_err();
            assert_eq!(matches!(refused, SlotError::TooLong { .. }), !is_there, "{slot_len} {record_len} {refused:?}");
        }
    }
}

/// Always blank; heads are refused.
struct Headless;

impl BlockDevice for Headless {
    type Error = usize;
    fn read(&mut self, _: usize, to: &mut [u8]) -> Result<(), usize> {
        to.fill(0xff);
        Ok(())
    }
    fn erase(&mut self, _: usize, _: usize) -> Result<(), usize> {
        Ok(())
    }
    fn write(&mut self, address: usize, _: &[u8]) -> Result<(), usize> {
        if address.is_multiple_of(40) { Err(address) } else { Ok(()) }
    }
}

#[test]
fn the_error_of_the_first_head_is_told() {
    assert_eq!(TwoSlots::new(Headless, 40).save(&[1; 20]), Err(SlotError::Device(0)));
    assert_eq!(TwoSlots::with_records(Headless, 80, 24).save(&[1; 20]), Err(SlotError::Device(0)));
}

/// A device of large units that counts what is done between two calls of its hook.
struct Watched {
    bytes: Vec<u8>,
    since: usize,
    most: usize,
    calls: usize,
}

impl BlockDevice for Watched {
    type Error = ();
    const READ_UNIT: usize = 4;
    const WRITE_UNIT: usize = 16;
    const ERASE_UNIT: usize = 1024;
    fn read(&mut self, address: usize, to: &mut [u8]) -> Result<(), ()> {
        assert!(to.len() <= 512);
        self.since += 1;
        self.most = self.most.max(self.since);
        to.copy_from_slice(&self.bytes[address..address + to.len()]);
        Ok(())
    }
    fn erase(&mut self, address: usize, len: usize) -> Result<(), ()> {
        assert_eq!((address % 1024, len), (0, 1024));
        self.since += 1;
        self.most = self.most.max(self.since);
        self.bytes[address..address + len].fill(0xff);
        Ok(())
    }
    fn write(&mut self, address: usize, bytes: &[u8]) -> Result<(), ()> {
        assert!(bytes.len() <= 512);
        self.since += 1;
        self.most = self.most.max(self.since);
        self.bytes[address..address + bytes.len()].copy_from_slice(bytes);
        Ok(())
    }
    fn between_pages(&mut self) {
        self.since = 0;
        self.calls += 1;
    }
}

#[test]
fn a_watchdog_is_fed_after_every_page_and_every_erase() {
    let mut device = Watched { bytes: vec![0; 16 << 10], since: 0, most: 0, calls: 0 };
    let mut slots = TwoSlots::with_records(&mut device, 8 << 10, 3000);
    for i in 0..9 {
        slots.save(&vec![i; 3000]).unwrap();
        assert_eq!(slots.load(&mut vec![0; 3000]), Ok(3000));
    }
    // 9 records of 6 pages are written, read back, and loaded: read twice
    assert!(device.most == 1 && device.calls > 9 * 6 * 4, "{} {}", device.most, device.calls);
    // a slot that the device can't erase on its own
    for slot_len in [1023, 1000, 1536] {
        let mut slots = TwoSlots::new(&mut device, slot_len);
        assert_eq!(slots.save(b""), Err(SlotError::Unaligned));
        assert_eq!((slots.load(&mut []), slots.find()), (Err(SlotError::Unaligned), Err(SlotError::Unaligned)));
    }
}

/// Erased bytes are 0, and can't be read: the device tells them by its own command.
struct Inverted(Vec<Option<u8>>);

impl BlockDevice for Inverted {
    type Error = ();
    const READ_UNIT: usize = 8;
    const WRITE_UNIT: usize = 8;
    fn read(&mut self, address: usize, to: &mut [u8]) -> Result<(), ()> {
        to.iter_mut().zip(&self.0[address..]).try_for_each(|(to, from)| from.map(|from| *to = from).ok_or(()))
    }
    fn erase(&mut self, address: usize, len: usize) -> Result<(), ()> {
        self.0[address..address + len].fill(None);
        Ok(())
    }
    fn write(&mut self, address: usize, bytes: &[u8]) -> Result<(), ()> {
        let units = &mut self.0[address..address + bytes.len()];
        assert!(units.iter().all(Option::is_none), "written twice");
        units.iter_mut().zip(bytes).for_each(|(to, from)| *to = Some(*from));
        Ok(())
    }
    fn is_blank(&mut self, address: usize, len: usize) -> Result<bool, ()> {
        Ok(self.0[address..address + len].iter().all(Option::is_none))
    }
}

#[test]
fn flash_whose_erased_bytes_cannot_be_read_keeps_several_records_too() {
    let mut device = Inverted(vec![Some(3); 512]);
    for i in 0..20 {
        let mut slots = TwoSlots::with_records(&mut device, 256, 40);
        assert_eq!(slots.places(), 4);
        slots.save(&[i; 33]).unwrap();
        let mut bytes = [0; 40];
        assert_eq!((slots.load(&mut bytes), bytes[32]), (Ok(33), i));
        // none was erased before its time
        let records = device.0.chunks(64).filter(|place| place[0].is_some()).count();
        assert_eq!(records, if i < 4 { i as usize + 1 } else { 4 + i as usize % 4 + 1 });
    }
    assert_eq!(TwoSlots::new(Inverted(vec![None; 512]), 256).load(&mut []), Err(SlotError::Empty));
}

#[test]
fn content_comes_in_pieces_of_any_length_and_is_as_long_as_announced() {
    for piece in [1, 7, 64, 513, 2000] {
        let mut device = Watched { bytes: vec![0; 16 << 10], since: 0, most: 0, calls: 0 };
        let mut slots = TwoSlots::with_records(&mut device, 8 << 10, 1500);
        let content: Vec<u8> = (0..1500).map(|i| (i * i / 7) as u8).collect();
        slots.save(b"before").unwrap();
        for (announced, given) in [(1500, 1499), (1499, 1500), (0, 1), (1, 0), (1500, 1500)] {
            let done = slots.save_with(announced, |record| {
                let written = content[..given].chunks(piece).try_for_each(|piece| record.write(piece));
                assert_eq!(written.is_err(), given > announced, "nothing is written behind the place");
                written
            });
            if announced == given {
                assert_eq!(done, Ok(()));
                let mut bytes = vec![0; 1500];
                assert_eq!((slots.load(&mut bytes), &bytes), (Ok(1500), &content));
            } else {
                let Err(SlotError::Length { needed, .. }) = done else { panic!("{done:?}") };
                assert_eq!(needed, announced);
                let mut bytes = [0; 6];
                assert_eq!((slots.load(&mut bytes), &bytes), (Ok(6), b"before"));
            }
        }
        let refused = slots.save_with(1505, |_| -> Result<(), SlotError<()>> { panic!("asked for content") });
        assert!(matches!(refused, Err(SlotError::TooLong { .. })));
    }
}

/// An error of the content's own ends the save: no other place would do.
#[test]
fn content_that_fails_is_not_asked_again() {
    #[derive(Debug, PartialEq)]
    enum Mine {
        Slot(SlotError<()>),
        Stopped,
    }
    impl From<SlotError<()>> for Mine {
        fn from(error: SlotError<()>) -> Self {
            Self::Slot(error)
        }
    }
    let mut device = Watched { bytes: vec![0; 16 << 10], since: 0, most: 0, calls: 0 };
    let mut slots = TwoSlots::with_records(&mut device, 8 << 10, 100);
    for i in 0..3 {
        let mut calls = 0;
        let done = slots.save_with(100, |record| {
            calls += 1;
            record.write(&[1; 50])?;
            if i == 1 { Err(Mine::Stopped) } else { Ok(record.write(&[i; 50])?) }
        });
        assert_eq!((done, calls), (if i == 1 { Err(Mine::Stopped) } else { Ok(()) }, 1));
        let mut bytes = [0; 100];
        assert_eq!((slots.load(&mut bytes), bytes[99]), (Ok(100), if i == 1 { 0 } else { i }));
    }
}
