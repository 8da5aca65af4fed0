//! Bytes that survive a power cut: two slots of flash with places for records, written in turn.
//!
//! ```text
//! slot:   record | record | .. as many as fit, each in whole units of the device
//! record: sequence u32 | length u32 | CRC-32 of sequence, length and content | 0
//!         | to the next unit 0xff | content
//! save:   write the content into the next blank place of the newest record's slot, then the
//!         head, and read them back; where there is none, erase the other slot first and begin
//!         there
//! load:   of the records whose checksum is right the newest; what is handed over is checked
//!         again
//! ```
//!
//! Until its head is written a record is no good and the one before it counts; so whenever power fails, there is the
//! old content or the new one.
//!
//! A record that can't be read is no good either: flash with error correction reports a word that a power cut tore as
//! an error. Cells that were half erased read now this, now that, so a record is read twice before it is given up.
//!
//! A record that was given up may be readable again later, and must not pass for the newest. Within a slot the later
//! place is the newer record, and sequence less place is the same for all of them; the other slot goes on from behind
//! the last place, used or not. While nothing in the other slot is known to be older, the next save erases it.

use super::{
    device::{BlockDevice, PAGE},
    error::SlotError,
    record::{Head, RecordWriter, unit},
};

/// Two slots on a device: what is saved last is loaded, whenever power fails. Each of its calls takes up to two pages
/// of 512 bytes on the stack.
///
/// ```
/// use rnnlm::{BlockDevice, TwoSlots};
/// struct Ram([u8; 256]);
/// impl BlockDevice for Ram {
///     type Error = ();
///     fn read(&mut self, address: usize, to: &mut [u8]) -> Result<(), ()> {
///         Ok(to.copy_from_slice(self.0.get(address..address + to.len()).ok_or(())?))
///     }
///     fn erase(&mut self, address: usize, len: usize) -> Result<(), ()> {
///         Ok(self.0.get_mut(address..address + len).ok_or(())?.fill(0xff))
///     }
///     fn write(&mut self, address: usize, bytes: &[u8]) -> Result<(), ()> {
///         Ok(self.0.get_mut(address..address + bytes.len()).ok_or(())?.copy_from_slice(bytes))
///     }
/// }
/// let mut slots = TwoSlots::new(Ram([0; 256]), 128);
/// slots.save(b"first")?;
/// slots.save(b"second")?;
/// let mut bytes = [0; 100];
/// let len = slots.load(&mut bytes)?;
/// assert_eq!(&bytes[..len], b"second");
/// # Ok::<(), rnnlm::SlotError<()>>(())
/// ```
#[derive(Debug)]
pub struct TwoSlots<D> {
    device: D,
    slot_len: usize,
    /// The bytes of a place.
    stride: usize,
}

/// How often a record is read before it counts as not whole.
const READINGS: usize = 2;

/// A record that is whole.
#[derive(Clone, Copy, PartialEq)]
struct Whole {
    slot: usize,
    place: usize,
    head: Head,
}

/// What a slot holds.
struct Scan<E> {
    newest: Option<Whole>,
    /// The first of the places, to the end, whose heads are blank.
    next: usize,
    /// Why a record can't be read.
    error: Option<E>,
}

impl<D: BlockDevice> TwoSlots<D> {
    const HEAD_ROOM: usize = Head::room::<D>();

    /// Slots of `slot_len` bytes each at addresses 0 and `slot_len`: whole erase blocks of the device. A slot takes
    /// one record of up to `slot_len` bytes less 16, rounded up to the device's units: each save erases.
    #[must_use]
    pub fn new(device: D, slot_len: usize) -> Self {
        const {
            assert!(D::READ_UNIT.is_power_of_two() && D::READ_UNIT <= PAGE, "read unit: a power of two up to 512");
            assert!(D::WRITE_UNIT.is_power_of_two() && D::WRITE_UNIT <= PAGE, "write unit: a power of two up to 512");
            assert!(D::ERASE_UNIT.is_multiple_of(unit::<D>()), "erase unit: a multiple of the others");
        }
        Self { device, slot_len, stride: slot_len }
    }

    /// Slots with as many places for records of up to `record_len` bytes as fit: only when all of a slot are used the
    /// other one is erased. Both lengths belong to what is stored: with others it is not found again.
    ///
    /// ```
    /// # use rnnlm::{BlockDevice, TwoSlots};
    /// # struct Ram([u8; 256]);
    /// # impl BlockDevice for Ram {
    /// #     type Error = ();
    /// #     fn read(&mut self, address: usize, to: &mut [u8]) -> Result<(), ()> {
    /// #         Ok(to.copy_from_slice(self.0.get(address..address + to.len()).ok_or(())?))
    /// #     }
    /// #     fn erase(&mut self, address: usize, len: usize) -> Result<(), ()> {
    /// #         Ok(self.0.get_mut(address..address + len).ok_or(())?.fill(0xff))
    /// #     }
    /// #     fn write(&mut self, address: usize, bytes: &[u8]) -> Result<(), ()> {
    /// #         Ok(self.0.get_mut(address..address + bytes.len()).ok_or(())?.copy_from_slice(bytes))
    /// #     }
    /// # }
    /// let slots = TwoSlots::with_records(Ram([0; 256]), 128, 20);
    /// assert_eq!(slots.places(), 3); // 20 bytes and a head of 16 each
    /// ```
    #[must_use]
    pub fn with_records(device: D, slot_len: usize, record_len: usize) -> Self {
        let stride = record_len.checked_next_multiple_of(unit::<D>()).and_then(|len| len.checked_add(Self::HEAD_ROOM));
        Self { stride: stride.unwrap_or(usize::MAX), ..Self::new(device, slot_len) }
    }

    /// How many records a slot takes. Flash of so many erase cycles lasts twice cycles times places saves.
    #[must_use]
    pub fn places(&self) -> usize {
        self.slot_len.checked_div(self.stride).unwrap_or(0)
    }

    /// Gives the device back.
    #[must_use]
    pub fn into_device(self) -> D {
        self.device
    }

    /// Keeps these bytes in place of the older ones. Reads the heads of all places and the newest record of each slot,
    /// looks whether the next place is blank, writes it and reads it. Where none is left, erases the other slot. Where
    /// no record was whole, as on a new device, both are erased.
    ///
    /// A place that was torn is passed over; where what was written reads back otherwise, or the device refuses, the
    /// next place is tried, and then those of the other slot.
    ///
    /// # Errors
    /// Bytes that a place doesn't hold, the device's error, or [`SlotError::Unverified`], each the first of all places
    /// that were tried; what was saved before is then still there. Where power failed, or the erase of the other slot,
    /// or where bytes that read back wrong read right later, the new bytes may be there instead.
    pub fn save(&mut self, content: &[u8]) -> Result<(), SlotError<D::Error>> {
        self.save_with(content.len(), |record| record.write(content))
    }

    /// [`Self::save`] for `len` bytes that `content` writes piece by piece, so that they need not be in memory at once.
    /// It is called anew for each place that is tried.
    ///
    /// ```
    /// # use rnnlm::{BlockDevice, SlotError, TwoSlots};
    /// # struct Ram([u8; 4096]);
    /// # impl BlockDevice for Ram {
    /// #     type Error = ();
    /// #     fn read(&mut self, address: usize, to: &mut [u8]) -> Result<(), ()> {
    /// #         Ok(to.copy_from_slice(self.0.get(address..address + to.len()).ok_or(())?))
    /// #     }
    /// #     fn erase(&mut self, address: usize, len: usize) -> Result<(), ()> {
    /// #         Ok(self.0.get_mut(address..address + len).ok_or(())?.fill(0xff))
    /// #     }
    /// #     fn write(&mut self, address: usize, bytes: &[u8]) -> Result<(), ()> {
    /// #         Ok(self.0.get_mut(address..address + bytes.len()).ok_or(())?.copy_from_slice(bytes))
    /// #     }
    /// # }
    /// use rnnlm::{Checkpoint, Config, SimpleRnnlm, TrainingState, Xorshift};
    /// let config = Config { vocab_size: 2, wordvec_size: 3, hidden_size: 4, batch_size: 1, time_size: 2 };
    /// let model = SimpleRnnlm::new(config, &mut Xorshift::new(1))?;
    /// let mut slots = TwoSlots::new(Ram([0; 4096]), 2048);
    /// let len = Checkpoint::encoded_len(config, 0)?;
    /// let mut page = [0; 64];
    /// slots
    ///     .save_with(len, |record| {
    ///         let state = TrainingState::default();
    ///         Checkpoint::write_with(&model, &state, "", &mut page, |page| record.write(page))
    ///     })
    ///     .map_err(|error: SlotError<()>| error.as_str())?;
    /// assert_eq!(slots.find().map(|(_, found)| found), Ok(len));
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`Self::save`]; [`SlotError::Length`] for content of another length; those of `content`.
    pub fn save_with<R, X: From<SlotError<D::Error>>>(
        &mut self,
        len: usize,
        mut content: impl FnMut(&mut RecordWriter<'_, D>) -> Result<R, X>,
    ) -> Result<R, X> {
        let head = Head { sequence: 0, len: self.check(len)?, checksum: 0 };
        let scans = self.scans()?;
        let newest = newest(&scans);
        let mut first = None;
        let (slot, base) = if let Some(Whole { slot, place, head: Head { sequence, .. } }) = newest {
            let base = sequence.wrapping_sub(place as u32);
            let [mine, other] = if slot == 0 { [&scans[0], &scans[1]] } else { [&scans[1], &scans[0]] };
            // what the other slot holds is older, or blank
            let range = if other.newest.is_some() || other.next == 0 { mine.next..self.places() } else { 0..0 };
            if let Some(result) = self.try_places(slot, range, base, head, &mut content, &mut first) {
                return result;
            }
            (1 - slot, base.wrapping_add(self.places() as u32))
        } else {
            // what can't be read now may be good later
            (usize::from(scans[0].error.is_some() && scans[1].error.is_none()), 0)
        };
        match self.erase(slot) {
            Err(error) => drop(first.get_or_insert(error.into())),
            Ok(()) => {
                let result = self.try_places(slot, 0..self.places(), base, head, &mut content, &mut first);
                if let Some(Ok(result)) = result {
                    if newest.is_none() {
                        // whatever its sequence is, it was saved earlier
                        self.erase(1 - slot)?;
                    }
                    return Ok(result);
                }
                if let Some(Err(error)) = result {
                    first = Some(error);
                }
            }
        }
        // nor must it turn up later; the first error is the one to tell
        let _ = self.erase(slot);
        Err(first.unwrap_or(SlotError::Unverified.into()))
    }

    /// Copies what was saved last into `to` and returns its length. Where that is no longer whole, it is what was saved
    /// before. Reads what a save reads, and the record that is copied again.
    ///
    /// # Errors
    /// Nothing whole to load, a buffer that is shorter, or the device's error where no record is whole because of it.
    /// What `to` holds then is no content.
    pub fn load(&mut self, to: &mut [u8]) -> Result<usize, SlotError<D::Error>> {
        let mut scans = self.scans()?;
        let mut failure = None;
        while let Some(Whole { slot, place, head }) = newest(&scans) {
            let (needed, given) = (head.len, to.len());
            if needed > given {
                return Err(SlotError::TooLong { needed, given });
            }
            let address = self.address(slot, place).saturating_add(Self::HEAD_ROOM);
            for _ in 0..READINGS {
                let copy = &mut |at: usize, page: &[u8]| {
                    to.iter_mut().skip(at).zip(page).for_each(|(to, &byte)| *to = byte);
                };
                match head.is_of(&mut self.device, address, copy) {
                    Ok(true) => return Ok(needed),
                    Ok(false) => {}
                    Err(error) => failure = Some(error),
                }
            }
            // the one before it
            let older = self.scan(slot, place);
            if let Some(scan) = scans.get_mut(slot) {
                *scan = Scan { error: scan.error.take().or(older.error), ..older };
            }
        }
        Err(failure.map_or_else(|| nothing(scans), SlotError::Device))
    }

    /// Address and length of what was saved last, for devices whose content can be read where it stands. The checksum
    /// was right just now; what is read there later is the caller's to check, as
    /// [`Checkpoint::read`](crate::Checkpoint::read) does.
    ///
    /// # Errors
    /// Nothing whole, or the device's error where no record is whole because of it.
    pub fn find(&mut self) -> Result<(usize, usize), SlotError<D::Error>> {
        let scans = self.scans()?;
        let Some(Whole { slot, place, head }) = newest(&scans) else { return Err(nothing(scans)) };
        Ok((self.address(slot, place).saturating_add(Self::HEAD_ROOM), head.len))
    }

    /// The length of content for which there are places.
    fn check(&self, len: usize) -> Result<usize, SlotError<D::Error>> {
        let needed = len.saturating_add(Self::HEAD_ROOM);
        if self.places() == 0 && needed <= self.stride {
            return Err(SlotError::TooLong { needed: self.stride, given: self.slot_len });
        }
        let fits = needed <= self.stride && u32::try_from(len).is_ok();
        if fits { Ok(len) } else { Err(SlotError::TooLong { needed, given: self.stride }) }
    }

    fn address(&self, slot: usize, place: usize) -> usize {
        let slot = if slot == 0 { 0 } else { self.slot_len };
        slot.saturating_add(place.saturating_mul(self.stride))
    }

    fn scans(&mut self) -> Result<[Scan<D::Error>; 2], SlotError<D::Error>> {
        let unit = if D::ERASE_UNIT == 0 { unit::<D>() } else { D::ERASE_UNIT };
        if !self.slot_len.is_multiple_of(unit) {
            return Err(SlotError::Unaligned);
        }
        Ok([0, 1].map(|slot| self.scan(slot, self.places())))
    }

    /// What the places below `end` of a slot hold, the last ones first, until one is whole.
    fn scan(&mut self, slot: usize, end: usize) -> Scan<D::Error> {
        let mut scan = Scan { newest: None, next: 0, error: None };
        for place in (0..end).rev() {
            let mut error = None;
            for _ in 0..READINGS {
                match self.whole(slot, place) {
                    Ok(None) => error = None,
                    Ok(newest) => return Scan { newest, next: scan.next.max(place + 1), error: scan.error },
                    Err(reason) => error = Some(reason),
                }
            }
            let address = self.address(slot, place);
            if !matches!(self.device.is_blank(address, Self::HEAD_ROOM), Ok(true)) {
                scan.next = scan.next.max(place + 1);
                scan.error = scan.error.or(error);
            }
        }
        scan
    }

    /// Makes content the record of the first blank one of these places that keeps it, and gives its result or error.
    /// Where none does, `first` is why.
    fn try_places<R, X: From<SlotError<D::Error>>>(
        &mut self,
        slot: usize,
        places: core::ops::Range<usize>,
        base: u32,
        head: Head,
        content: &mut dyn FnMut(&mut RecordWriter<'_, D>) -> Result<R, X>,
        first: &mut Option<X>,
    ) -> Option<Result<R, X>> {
        // the first place of a slot was erased just now
        let is_erased = places.start == 0;
        for place in places {
            let address = self.address(slot, place);
            if !is_erased && !matches!(self.device.is_blank(address, self.stride), Ok(true)) {
                continue;
            }
            let mut head = Head { sequence: base.wrapping_add(place as u32), ..head };
            let error = match head.write(&mut self.device, address, content) {
                // a single reading: what is read only at the second try is not well kept
                Ok(result) => match self.whole(slot, place) {
                    Ok(found) if found == Some(Whole { slot, place, head }) => return Some(Ok(result)),
                    Ok(_) => SlotError::Unverified.into(),
                    Err(error) => SlotError::Device(error).into(),
                },
                Err((error, true)) => error,
                Err((error, false)) => return Some(Err(error)),
            };
            first.get_or_insert(error);
        }
        None
    }

    fn erase(&mut self, slot: usize) -> Result<(), SlotError<D::Error>> {
        let len = if D::ERASE_UNIT == 0 { self.slot_len } else { D::ERASE_UNIT };
        for at in (0..self.slot_len).step_by(len.max(1)) {
            self.device.erase(self.address(slot, 0).saturating_add(at), len).map_err(SlotError::Device)?;
            self.device.between_pages();
        }
        Ok(())
    }

    /// The record in that place, if its checksum is right.
    fn whole(&mut self, slot: usize, place: usize) -> Result<Option<Whole>, D::Error> {
        let address = self.address(slot, place);
        let head = Head::read(&mut self.device, address)?;
        if head.len.saturating_add(Self::HEAD_ROOM) > self.stride {
            return Ok(None);
        }
        let is_whole = head.is_of(&mut self.device, address.saturating_add(Self::HEAD_ROOM), &mut |_, _| {})?;
        Ok(is_whole.then_some(Whole { slot, place, head }))
    }
}

/// Of the newest records of both slots the newer one.
fn newest<E>(scans: &[Scan<E>; 2]) -> Option<Whole> {
    match (scans[0].newest, scans[1].newest) {
        // sequence numbers wrap around
        (Some(a), Some(b)) if a.head.sequence.wrapping_sub(b.head.sequence) as i32 > 0 => Some(a),
        (a, b) => b.or(a),
    }
}

/// Why there is nothing to load.
fn nothing<E>(scans: [Scan<E>; 2]) -> SlotError<E> {
    scans.into_iter().find_map(|scan| scan.error).map_or(SlotError::Empty, SlotError::Device)
}

#[cfg(test)]
mod tests;
