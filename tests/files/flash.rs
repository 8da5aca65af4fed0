//! Flash as its data sheets describe it: units of reading and of writing, each unit written once between two erases,
//! power that fails, words that can't be corrected, cells that wear out.

use std::mem;

use rnnlm::{BlockDevice, SlotError, TwoSlots, Xorshift};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    NoPower,
    Unreadable,
    WrittenTwice,
    NotErased,
}

/// What a unit is after the power failed while it was erased or written.
#[derive(Clone, Copy, Debug)]
pub enum Torn {
    /// Some bits are the new ones.
    Partly,
    /// The error correction finds it.
    Unreadable,
    /// Other bits at each reading.
    Unsteady,
    /// Reads as if it were erased, and is not.
    Blank,
}

pub const TORN: [Torn; 4] = [Torn::Partly, Torn::Unreadable, Torn::Unsteady, Torn::Blank];

/// What a device does that is to write a unit for the second time.
#[derive(Clone, Copy, Debug)]
pub enum Twice {
    Refuses,
    /// Says nothing, and the error correction finds it when it is read.
    Spoils,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum State {
    Erased,
    Written,
    Unreadable,
    Unsteady,
}

/// Readings that go wrong: so many, after so many.
#[derive(Clone, Copy, Debug)]
pub struct Glitch {
    pub after: usize,
    pub count: usize,
    pub as_error: bool,
}

#[derive(Clone, Debug)]
pub struct Flash {
    pub read_unit: usize,
    pub write_unit: usize,
    pub slot_len: usize,
    pub places: usize,
    /// The longest content.
    pub room: usize,
    pub bytes: Vec<u8>,
    /// Of each write unit.
    pub states: Vec<State>,
    pub torn: Torn,
    pub twice: Twice,
    /// The power fails in the last of so many units erased or written; 0 is without power.
    pub power: usize,
    pub erases: usize,
    /// A byte that stays 0.
    pub stuck: Option<usize>,
    pub glitch: Option<Glitch>,
    pub reads: usize,
    /// Where the last head was written.
    pub last_written: usize,
    /// How many units were to be written for the second time.
    pub written_twice: usize,
    /// How often each slot was erased.
    pub erased: [usize; 2],
    pub rng: Xorshift,
}

enum Call<'a> {
    Save(&'a [u8]),
    Load(&'a mut Vec<u8>),
    Find,
}

impl Flash {
    /// Full of whatever was there, for so many records in each slot, and a unit that none of them uses.
    pub fn new(read_unit: usize, write_unit: usize, places: usize, torn: Torn, seed: u64) -> Self {
        let unit = read_unit.max(write_unit);
        let room = if unit <= 16 { 40_usize } else { 2 * unit };
        Self::with_room(read_unit, write_unit, places, room, torn, seed)
    }

    /// For longer content.
    pub fn with_room(read_unit: usize, write_unit: usize, places: usize, room: usize, torn: Torn, seed: u64) -> Self {
        let mut rng = Xorshift::new(seed);
        let unit = read_unit.max(write_unit);
        let room = room.next_multiple_of(unit);
        let slot_len = places * (16_usize.next_multiple_of(unit) + room) + if places == 1 { 0 } else { unit };
        let bytes: Vec<u8> = (0..2 * slot_len).map(|_| rng.next_u32() as u8).collect();
        Self {
            read_unit,
            write_unit,
            slot_len,
            places,
            room,
            states: vec![State::Written; bytes.len() / write_unit],
            bytes,
            torn,
            twice: Twice::Refuses,
            power: usize::MAX,
            erases: usize::MAX,
            stuck: None,
            glitch: None,
            reads: 0,
            last_written: 0,
            written_twice: 0,
            erased: [0; 2],
            rng,
        }
    }

    pub fn content(&mut self) -> Vec<u8> {
        let len = self.rng.below(self.room as u32 + 1);
        (0..len).map(|_| self.rng.next_u32() as u8).collect()
    }

    /// Where the content of a record begins.
    pub fn head_room(&self) -> usize {
        16_usize.next_multiple_of(self.read_unit.max(self.write_unit))
    }

    pub fn stride(&self) -> usize {
        self.head_room() + self.room
    }

    /// The units are constants of a type.
    fn call(&mut self, call: Call<'_>) -> Result<(usize, usize), SlotError<Fault>> {
        macro_rules! units {
            ($($read:literal $write:literal,)*) => {
                match (self.read_unit, self.write_unit) {
                    $(($read, $write) => self.call_with::<$read, $write>(call),)*
                    units => panic!("no such units: {units:?}"),
                }
            };
        }
        units!(
            1 1, 1 2, 1 4, 1 8, 1 16, 1 32, 1 64, 1 128, 1 256, 1 512,
            2 1, 4 1, 8 1, 16 1, 32 1, 64 1, 128 1, 256 1, 512 1,
            2 2, 4 4, 8 8, 16 16, 32 32, 64 64, 128 128, 256 256, 512 512, 4 32, 512 8,
        )
    }

    fn call_with<const READ: usize, const WRITE: usize>(
        &mut self,
        call: Call<'_>,
    ) -> Result<(usize, usize), SlotError<Fault>> {
        let (slot_len, places, room) = (self.slot_len, self.places, self.room);
        let device = Units::<'_, READ, WRITE>(self);
        let mut slots = match places {
            1 => TwoSlots::new(device, slot_len),
            _ => TwoSlots::with_records(device, slot_len, room - READ.max(WRITE) / 2),
        };
        assert_eq!(slots.places(), places);
        match call {
            Call::Save(content) => slots.save(content).map(|()| (0, 0)),
            Call::Load(to) => slots.load(to).map(|len| (0, len)),
            Call::Find => slots.find(),
        }
    }

    pub fn save(&mut self, content: &[u8]) -> Result<(), SlotError<Fault>> {
        self.call(Call::Save(content)).map(|_| ())
    }

    pub fn load(&mut self) -> Result<Vec<u8>, SlotError<Fault>> {
        let mut bytes = vec![0; self.room];
        let (_, len) = self.call(Call::Load(&mut bytes))?;
        bytes.truncate(len);
        Ok(bytes)
    }

    pub fn find(&mut self) -> Result<(usize, usize), SlotError<Fault>> {
        self.call(Call::Find)
    }

    /// Load and find, which must agree.
    pub fn found(&mut self) -> Result<Vec<u8>, SlotError<Fault>> {
        let loaded = self.load();
        let found = self.find();
        assert_eq!(loaded.clone().err(), found.err());
        if let (Ok(loaded), Ok((address, len))) = (&loaded, found) {
            assert_eq!(loaded, &self.bytes[address..address + len]);
        }
        loaded
    }

    pub fn save_and_load(&mut self) -> Vec<u8> {
        let content = self.content();
        self.save(&content).unwrap();
        assert_eq!(self.found().as_ref(), Ok(&content));
        content
    }

    /// Saves so often, and says what is there then.
    pub fn saved(&mut self, times: usize) -> Option<Vec<u8>> {
        (0..times).map(|_| self.save_and_load()).last()
    }

    /// Saves while the power fails in that unit; whether it failed.
    pub fn save_with_a_cut(&mut self, content: &[u8], cut: usize) -> (Result<(), SlotError<Fault>>, bool) {
        self.power = cut;
        let done = self.save(content);
        (done, mem::replace(&mut self.power, usize::MAX) == 0)
    }

    fn units(&self, address: usize, len: usize) -> std::ops::Range<usize> {
        if len == 0 { 0..0 } else { address / self.write_unit..(address + len - 1) / self.write_unit + 1 }
    }

    /// Whether these bytes can be read, in whole units, and those of them that mean something each time alike.
    pub fn can_be_read(&self, address: usize, len: usize, meant: usize) -> bool {
        let has = |len, state| self.units(address, len).any(|unit| self.states[unit] == state);
        !has(len.next_multiple_of(self.read_unit), State::Unreadable) && !has(meant, State::Unsteady)
    }

    /// The unit gets these bytes, unless the power fails in it.
    fn change(&mut self, unit: usize, new: &[u8], state: State) -> Result<(), Fault> {
        self.power = self.power.checked_sub(1).ok_or(Fault::NoPower)?;
        let bytes = &mut self.bytes[unit * self.write_unit..][..self.write_unit];
        if self.power > 0 {
            bytes.copy_from_slice(new);
            self.states[unit] = state;
            self.wear();
            return Ok(());
        }
        self.states[unit] = match self.torn {
            Torn::Partly | Torn::Blank => State::Written,
            Torn::Unreadable => State::Unreadable,
            Torn::Unsteady => State::Unsteady,
        };
        if let Torn::Blank | Torn::Unsteady = self.torn {
            let blank = vec![0xff; new.len()];
            bytes.copy_from_slice(if let Torn::Blank = self.torn { &blank } else { new });
            return Err(Fault::NoPower);
        }
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

    /// What is worn out is 0.
    pub fn wear(&mut self) {
        if let Some(at) = self.stuck {
            self.bytes[at] = 0;
        }
    }

    /// From now on this byte stays 0.
    pub fn wear_out(&mut self, address: usize) {
        self.stuck = Some(address);
        self.wear();
    }

    /// What couldn't be read can be read again.
    pub fn heal(&mut self) {
        let unreadable = self.states.iter_mut().filter(|state| **state == State::Unreadable);
        unreadable.for_each(|state| *state = State::Written);
    }

    pub fn make_unreadable(&mut self, address: usize) {
        self.states[address / self.write_unit] = State::Unreadable;
    }
}

/// The flash with its units.
struct Units<'f, const READ: usize, const WRITE: usize>(&'f mut Flash);

impl<const READ: usize, const WRITE: usize> BlockDevice for Units<'_, READ, WRITE> {
    type Error = Fault;
    const READ_UNIT: usize = READ;
    const WRITE_UNIT: usize = WRITE;

    fn read(&mut self, address: usize, to: &mut [u8]) -> Result<(), Fault> {
        let flash = &mut *self.0;
        assert!(address.is_multiple_of(READ) && to.len().is_multiple_of(READ) && to.len() <= 512 && !to.is_empty());
        if flash.power == 0 {
            return Err(Fault::NoPower);
        }
        to.copy_from_slice(&flash.bytes[address..address + to.len()]);
        for unit in flash.units(address, to.len()) {
            match flash.states[unit] {
                State::Unreadable => return Err(Fault::Unreadable),
                State::Unsteady => {
                    for (at, byte) in to.iter_mut().enumerate() {
                        if (address + at) / WRITE == unit {
                            // never what is right, by which one reading would find a record and the next none
                            *byte ^= flash.rng.below(255) as u8 + 1;
                        }
                    }
                }
                State::Erased | State::Written => {}
            }
        }
        flash.reads += 1;
        if let Some(Glitch { after, count, as_error }) = flash.glitch
            && (flash.reads - 1).checked_sub(after).is_some_and(|at| at < count)
        {
            if as_error {
                return Err(Fault::Unreadable);
            }
            let at = flash.rng.below(to.len() as u32) as usize;
            to[at] ^= 1 << flash.rng.below(8);
        }
        Ok(())
    }

    fn erase(&mut self, address: usize, len: usize) -> Result<(), Fault> {
        let flash = &mut *self.0;
        assert_eq!((address % flash.slot_len, len), (0, flash.slot_len));
        flash.erases = flash.erases.checked_sub(1).ok_or(Fault::NotErased)?;
        flash.erased[address / flash.slot_len] += 1;
        let erased = vec![0xff; WRITE];
        flash.units(address, len).try_for_each(|unit| flash.change(unit, &erased, State::Erased))
    }

    fn write(&mut self, address: usize, bytes: &[u8]) -> Result<(), Fault> {
        let flash = &mut *self.0;
        assert!(address.is_multiple_of(WRITE) && bytes.len().is_multiple_of(WRITE) && bytes.len() <= 512);
        if flash.power == 0 {
            return Err(Fault::NoPower);
        }
        flash.last_written = address;
        for (unit, new) in flash.units(address, bytes.len()).zip(bytes.chunks(WRITE)) {
            flash.written_twice += usize::from(flash.states[unit] != State::Erased);
            let state = match (flash.states[unit], flash.twice) {
                (State::Erased, _) => State::Written,
                (_, Twice::Refuses) => return Err(Fault::WrittenTwice),
                (_, Twice::Spoils) => State::Unreadable,
            };
            flash.change(unit, new, state)?;
        }
        Ok(())
    }
}
