//! Bytes that survive a power cut: two slots of flash, written in turn.
//!
//! ```text
//! slot:  sequence u32 | length u32 | CRC-32 of sequence, length and content | 0 | content
//! save:  erase the slot that is not the newest good one, write the content, then the head,
//!        and read them back
//! load:  of the slots whose checksum is right, the one with the later sequence; what is handed
//!        over is checked again
//! ```
//!
//! Until the head is written the slot is no good and the other one counts; so whenever power fails, there is the old
//! content or the new one.
//!
//! A slot that can't be read is no good either: flash with error correction reports a word that a power cut tore as an
//! error. Cells that were half erased read now this, now that, so a slot is read twice before it is given up. A slot
//! that was given up may be readable again later: a save always ends with every older slot erased or known to be older.

use core::fmt;

use crate::checkpoint::crc::Crc32;

/// Memory that keeps its content without power, in the caller's words. Addresses and lengths are in bytes.
///
/// Reads and writes come with any address and any length. A device that reads or writes in units of several bytes reads
/// the rest of a unit and drops it, and fills up what it writes with the value of erased memory.
///
/// The first 16 bytes of a slot are written last, on their own. Where a unit is longer than that, the device must be
/// able to write a part of it now and the rest later. A device whose units can be written only once between two
/// erases serves with units of up to 16 bytes. With longer ones each save is an error, also where the device doesn't
/// tell, and what was there before is kept.
pub trait BlockDevice {
    /// What can go wrong.
    type Error;
    /// Fills `to` with the bytes from `address` on.
    ///
    /// # Errors
    /// The device's own, also where bytes can't be corrected: to guess them is no better.
    fn read(&mut self, address: usize, to: &mut [u8]) -> Result<(), Self::Error>;
    /// Makes `len` bytes from `address` on ready to be written: a whole slot.
    ///
    /// # Errors
    /// The device's own.
    fn erase(&mut self, address: usize, len: usize) -> Result<(), Self::Error>;
    /// Writes bytes that were erased. Returns when they are kept.
    ///
    /// # Errors
    /// The device's own.
    fn write(&mut self, address: usize, bytes: &[u8]) -> Result<(), Self::Error>;
}

impl<D: BlockDevice + ?Sized> BlockDevice for &mut D {
    type Error = D::Error;

    fn read(&mut self, address: usize, to: &mut [u8]) -> Result<(), D::Error> {
        (**self).read(address, to)
    }

    fn erase(&mut self, address: usize, len: usize) -> Result<(), D::Error> {
        (**self).erase(address, len)
    }

    fn write(&mut self, address: usize, bytes: &[u8]) -> Result<(), D::Error> {
        (**self).write(address, bytes)
    }
}

/// Two slots on a device: what is saved last is loaded, whenever power fails.
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
}

/// Why a slot can't be saved or loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SlotError<E> {
    /// Neither slot holds anything whole.
    Empty,
    /// The bytes are more than a slot holds, or than the buffer does.
    TooLong {
        /// The room needed, in bytes.
        needed: usize,
        /// The room there is.
        given: usize,
    },
    /// The device failed.
    Device(E),
    /// What was written reads back otherwise.
    Unverified,
}

/// The bytes in front of the content; a multiple of what flash is usually written in.
const HEAD: usize = 16;

/// How often a slot is read before it counts as not whole.
const READINGS: usize = 2;

/// A slot that is whole.
#[derive(Clone, Copy, PartialEq)]
struct Whole {
    address: usize,
    sequence: u32,
    len: usize,
    checksum: u32,
}

/// What each slot holds: something whole, nothing whole, or what can't be read.
type Slots<E> = [Result<Option<Whole>, E>; 2];

impl<D: BlockDevice> TwoSlots<D> {
    /// Slots of `slot_len` bytes each at addresses 0 and `slot_len`: whole erase blocks of the device. A slot takes
    /// up to `slot_len - 16` bytes.
    #[must_use]
    pub fn new(device: D, slot_len: usize) -> Self {
        Self { device, slot_len }
    }

    /// Gives the device back.
    #[must_use]
    pub fn into_device(self) -> D {
        self.device
    }

    /// Keeps these bytes in place of the older ones. One erase, two writes, one read of both slots and one of what was
    /// written. Where no slot was whole, as on a new device, the other slot is erased too.
    ///
    /// # Errors
    /// Bytes that a slot doesn't hold, the device's error, or [`SlotError::Unverified`]; what was saved before is then
    /// still there. Where power failed, or the erase of the other slot, the new bytes may be there instead.
    pub fn save(&mut self, content: &[u8]) -> Result<(), SlotError<D::Error>> {
        let needed = content.len().saturating_add(HEAD);
        let fits = needed <= self.slot_len && u32::try_from(content.len()).is_ok();
        if !fits {
            return Err(SlotError::TooLong { needed, given: self.slot_len });
        }
        let slots = self.slots();
        let newest = newest_first(&slots)[0];
        let (address, sequence) = match (newest, &slots) {
            (Some(newest), _) => (self.other(newest.address), newest.sequence.wrapping_add(1)),
            // what can't be read now may be good later
            (None, [Err(_), Ok(_)]) => (self.slot_len, 0),
            (None, _) => (0, 0),
        };
        let checksum = checksum(sequence, content);
        let kept = self.replace(Whole { address, sequence, len: content.len(), checksum }, content);
        if kept.is_err() {
            // nor must it turn up later; the first error is the one to tell
            let _ = self.device.erase(address, self.slot_len);
        } else if newest.is_none() {
            // whatever its sequence is, it was saved earlier
            return self.device.erase(self.other(address), self.slot_len).map_err(SlotError::Device);
        }
        kept
    }

    /// Copies what was saved last into `to` and returns its length. Where that is no longer whole, it is what was saved
    /// before. Reads both slots, and the one that is copied again.
    ///
    /// # Errors
    /// Nothing whole to load, a buffer that is shorter, or the device's error where no slot is whole because of it.
    /// What `to` holds then is no content.
    pub fn load(&mut self, to: &mut [u8]) -> Result<usize, SlotError<D::Error>> {
        let slots = self.slots();
        let mut failure = None;
        for slot in newest_first(&slots).into_iter().flatten() {
            let given = to.len();
            let to = to.get_mut(..slot.len).ok_or(SlotError::TooLong { needed: slot.len, given })?;
            for _ in 0..READINGS {
                match self.device.read(slot.address.saturating_add(HEAD), to) {
                    Ok(()) if checksum(slot.sequence, to) == slot.checksum => return Ok(slot.len),
                    Ok(()) => {}
                    Err(error) => failure = Some(error),
                }
            }
        }
        Err(failure.map_or_else(|| nothing(slots), SlotError::Device))
    }

    /// Address and length of what was saved last, for devices whose content can be read where it stands. The checksum
    /// was right just now; what is read there later is the caller's to check, as
    /// [`Checkpoint::read`](crate::Checkpoint::read) does.
    ///
    /// # Errors
    /// Nothing whole, or the device's error where no slot is whole because of it.
    pub fn find(&mut self) -> Result<(usize, usize), SlotError<D::Error>> {
        let slots = self.slots();
        let Some(Whole { address, len, .. }) = newest_first(&slots)[0] else { return Err(nothing(slots)) };
        Ok((address.saturating_add(HEAD), len))
    }

    fn other(&self, address: usize) -> usize {
        if address == 0 { self.slot_len } else { 0 }
    }

    fn slots(&mut self) -> Slots<D::Error> {
        [0, self.slot_len].map(|address| {
            let mut slot = Ok(None);
            for _ in 0..READINGS {
                slot = self.whole(address);
                if let Ok(Some(_)) = slot {
                    break;
                }
            }
            slot
        })
    }

    /// Makes this the content of a slot, and looks whether it is.
    fn replace(&mut self, slot: Whole, content: &[u8]) -> Result<(), SlotError<D::Error>> {
        let Whole { address, sequence, len, checksum } = slot;
        let mut head = [0; HEAD];
        for (to, from) in head.chunks_mut(4).zip([sequence, len as u32, checksum]) {
            to.iter_mut().zip(from.to_le_bytes()).for_each(|(to, from)| *to = from);
        }
        self.device.erase(address, self.slot_len).map_err(SlotError::Device)?;
        self.device.write(address.saturating_add(HEAD), content).map_err(SlotError::Device)?;
        self.device.write(address, &head).map_err(SlotError::Device)?;
        // a single reading: what is read only at the second try is not well kept
        let found = self.whole(address).map_err(SlotError::Device)?;
        if found == Some(slot) { Ok(()) } else { Err(SlotError::Unverified) }
    }

    /// The slot at that address, if its checksum is right.
    fn whole(&mut self, address: usize) -> Result<Option<Whole>, D::Error> {
        let mut head = [0; HEAD];
        self.device.read(address, &mut head)?;
        let [sequence, length, checksum, _] = head.as_chunks::<4>().0 else { return Ok(None) };
        let [sequence, length, checksum] = [sequence, length, checksum].map(|bytes| u32::from_le_bytes(*bytes));
        let Ok(len) = usize::try_from(length) else { return Ok(None) };
        if len.saturating_add(HEAD) > self.slot_len {
            return Ok(None);
        }
        let mut crc = crc_of_head(sequence, length);
        let mut block = [0; 64];
        for at in (0..len).step_by(block.len()) {
            let Some(block) = block.get_mut(..(len - at).min(64)) else { break };
            self.device.read(address.saturating_add(HEAD).saturating_add(at), block)?;
            crc.add(block);
        }
        Ok((crc.value() == checksum).then_some(Whole { address, sequence, len, checksum }))
    }
}

/// The slots that are whole, the later one first.
fn newest_first<E>([a, b]: &Slots<E>) -> [Option<Whole>; 2] {
    let whole = |slot: &Result<Option<Whole>, E>| slot.as_ref().ok().copied().flatten();
    match (whole(a), whole(b)) {
        // sequence numbers wrap around
        (Some(a), Some(b)) if a.sequence.wrapping_sub(b.sequence) as i32 > 0 => [Some(a), Some(b)],
        (Some(a), Some(b)) => [Some(b), Some(a)],
        (a, b) => [a.or(b), None],
    }
}

/// Why there is nothing to load.
fn nothing<E>(slots: Slots<E>) -> SlotError<E> {
    slots.into_iter().find_map(Result::err).map_or(SlotError::Empty, SlotError::Device)
}

fn crc_of_head(sequence: u32, len: u32) -> Crc32 {
    let mut crc = Crc32::new();
    crc.add(&sequence.to_le_bytes());
    crc.add(&len.to_le_bytes());
    crc
}

/// The checksum of a slot with this content, which is shorter than 4 GiB.
fn checksum(sequence: u32, content: &[u8]) -> u32 {
    let mut crc = crc_of_head(sequence, content.len() as u32);
    crc.add(content);
    crc.value()
}
impl<E> SlotError<E> {
    /// Its number, which stays the same over versions: see [`Error`](crate::Error).
    ///
    /// ```
    /// use rnnlm::SlotError;
    /// let error = SlotError::Device("bus");
    /// assert_eq!((error.code(), error.as_str()), (803, "the device failed"));
    /// ```
    #[must_use]
    pub const fn code(&self) -> u16 {
        match self {
            Self::Empty => 801,
            Self::TooLong { .. } => 802,
            Self::Device(_) => 803,
            Self::Unverified => 804,
        }
    }

    /// What is wrong, without numbers and without the device's words: costs no `core::fmt`.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Empty => "nothing whole was saved: start from new weights",
            Self::TooLong { .. } => "the bytes are more than a slot or the buffer holds",
            Self::Device(_) => "the device failed",
            Self::Unverified => "what was written reads back otherwise: save again, or replace the flash",
        }
    }
}

impl<E: fmt::Display> fmt::Display for SlotError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { needed, given } => write!(f, "{needed} bytes are needed and {given} are there"),
            Self::Device(error) => error.fmt(f),
            _ => f.write_str(self.as_str()),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> core::error::Error for SlotError<E> {}

#[cfg(test)]
mod tests;
