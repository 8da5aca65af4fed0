//! Bytes that survive a power cut: two slots of flash, written in turn.
//!
//! ```text
//! slot:  sequence u32 | length u32 | CRC-32 of sequence, length and content | 0 | content
//! save:  erase the slot that is not the newest good one, write the content, then the head
//! load:  of the slots whose checksum is right, the one with the later sequence
//! ```
//!
//! Until the head is written the slot is no good and the other one counts; so whenever power fails, there is the old
//! content or the new one.

use core::fmt;

use crate::crc::Crc32;

/// Memory that keeps its content without power, in the caller's words. Addresses and lengths are in bytes.
pub trait BlockDevice {
    /// What can go wrong.
    type Error;
    /// Fills `to` with the bytes from `address` on.
    ///
    /// # Errors
    /// The device's own.
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
}

/// The bytes in front of the content; a multiple of what flash is usually written in.
const HEAD: usize = 16;

/// A slot that is whole.
#[derive(Clone, Copy)]
struct Whole {
    address: usize,
    sequence: u32,
    len: usize,
}

impl<D: BlockDevice> TwoSlots<D> {
    /// Slots of `slot_len` bytes each at addresses 0 and `slot_len`: whole erase blocks of the device. A slot takes
    /// up to `slot_len - 16` bytes.
    pub fn new(device: D, slot_len: usize) -> Self {
        Self { device, slot_len }
    }

    /// Gives the device back.
    pub fn into_device(self) -> D {
        self.device
    }

    /// Keeps these bytes in place of the older ones. One erase, two writes, and one read of both slots.
    ///
    /// # Errors
    /// Bytes that a slot doesn't hold, or the device's error; what was saved before is then still there.
    pub fn save(&mut self, content: &[u8]) -> Result<(), SlotError<D::Error>> {
        let needed = content.len().saturating_add(HEAD);
        let len = u32::try_from(content.len()).ok().filter(|_| needed <= self.slot_len);
        let len = len.ok_or(SlotError::TooLong { needed, given: self.slot_len })?;
        let newest = self.newest()?;
        let (address, sequence) = match newest {
            Some(Whole { address, sequence, .. }) => {
                (if address == 0 { self.slot_len } else { 0 }, sequence.wrapping_add(1))
            }
            None => (0, 0),
        };
        let mut crc = Crc32::new();
        let [sequence, len] = [sequence.to_le_bytes(), len.to_le_bytes()];
        for bytes in [&sequence[..], &len, content] {
            crc.add(bytes);
        }
        let mut head = [0; HEAD];
        for (to, from) in head.chunks_mut(4).zip([sequence, len, crc.value().to_le_bytes()]) {
            to.iter_mut().zip(from).for_each(|(to, from)| *to = from);
        }
        self.device.erase(address, self.slot_len).map_err(SlotError::Device)?;
        self.device.write(address + HEAD, content).map_err(SlotError::Device)?;
        self.device.write(address, &head).map_err(SlotError::Device)
    }

    /// Copies what was saved last into `to` and returns its length.
    ///
    /// # Errors
    /// Nothing whole to load, a buffer that is shorter, or the device's error.
    pub fn load(&mut self, to: &mut [u8]) -> Result<usize, SlotError<D::Error>> {
        let Whole { address, len, .. } = self.newest()?.ok_or(SlotError::Empty)?;
        let given = to.len();
        let to = to.get_mut(..len).ok_or(SlotError::TooLong { needed: len, given })?;
        self.device.read(address + HEAD, to).map_err(SlotError::Device)?;
        Ok(len)
    }

    /// Address and length of what was saved last, for devices whose content can be read where it stands.
    ///
    /// # Errors
    /// Nothing whole, or the device's error.
    pub fn find(&mut self) -> Result<(usize, usize), SlotError<D::Error>> {
        let Whole { address, len, .. } = self.newest()?.ok_or(SlotError::Empty)?;
        Ok((address + HEAD, len))
    }

    /// The later one of the slots that are whole.
    fn newest(&mut self) -> Result<Option<Whole>, SlotError<D::Error>> {
        let [a, b] = [self.whole(0)?, self.whole(self.slot_len)?];
        Ok(match (a, b) {
            // sequence numbers wrap around
            (Some(a), Some(b)) => Some(if a.sequence.wrapping_sub(b.sequence) as i32 > 0 { a } else { b }),
            (a, b) => a.or(b),
        })
    }

    /// The slot at that address, if its checksum is right.
    fn whole(&mut self, address: usize) -> Result<Option<Whole>, SlotError<D::Error>> {
        let mut head = [0; HEAD];
        self.device.read(address, &mut head).map_err(SlotError::Device)?;
        let [sequence, length, checksum, _] = *head.as_chunks::<4>().0 else { return Ok(None) };
        let mut crc = Crc32::new();
        crc.add(&sequence);
        crc.add(&length);
        let len = u32::from_le_bytes(length) as usize;
        if len > self.slot_len.saturating_sub(HEAD) {
            return Ok(None);
        }
        let mut block = [0; 64];
        for at in (0..len).step_by(block.len()) {
            let Some(block) = block.get_mut(..(len - at).min(64)) else { break };
            self.device.read(address + HEAD + at, block).map_err(SlotError::Device)?;
            crc.add(block);
        }
        let good = crc.value().to_le_bytes() == checksum;
        Ok(good.then_some(Whole { address, sequence: u32::from_le_bytes(sequence), len }))
    }
}

impl<E: fmt::Display> fmt::Display for SlotError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("nothing whole was saved: start from new weights"),
            Self::TooLong { needed, given } => write!(f, "{needed} bytes are needed and {given} are there"),
            Self::Device(error) => error.fmt(f),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> core::error::Error for SlotError<E> {}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::vec::Vec;

    use super::*;
    use crate::Xorshift;

    const SLOT: usize = 160;

    /// Flash whose power fails after so many bytes were erased or written: the last operation is torn.
    struct Flash {
        bytes: [u8; 2 * SLOT],
        bytes_left: usize,
    }

    impl BlockDevice for Flash {
        type Error = &'static str;
        fn read(&mut self, address: usize, to: &mut [u8]) -> Result<(), Self::Error> {
            to.copy_from_slice(&self.bytes[address..address + to.len()]);
            Ok(())
        }
        fn erase(&mut self, address: usize, len: usize) -> Result<(), Self::Error> {
            self.change(address, &[0xff; SLOT][..len])
        }
        fn write(&mut self, address: usize, bytes: &[u8]) -> Result<(), Self::Error> {
            assert!(self.bytes[address..address + bytes.len()].iter().all(|&byte| byte == 0xff), "not erased");
            self.change(address, bytes)
        }
    }

    impl Flash {
        fn change(&mut self, address: usize, bytes: &[u8]) -> Result<(), &'static str> {
            let kept = bytes.len().min(self.bytes_left);
            self.bytes[address..address + kept].copy_from_slice(&bytes[..kept]);
            self.bytes_left -= kept;
            if kept == bytes.len() { Ok(()) } else { Err("power cut") }
        }
    }

    fn content(rng: &mut Xorshift) -> Vec<u8> {
        (0..rng.below(145)).map(|_| rng.next_u32() as u8).collect()
    }

    fn load(slots: &mut TwoSlots<Flash>) -> Option<Vec<u8>> {
        let mut bytes = [0; SLOT];
        let len = slots.load(&mut bytes).ok()?;
        let (address, found) = slots.find().unwrap();
        assert_eq!((found, &slots.device.bytes[address..address + len]), (len, &bytes[..len]));
        Some(bytes[..len].to_vec())
    }

    #[test]
    #[cfg_attr(miri, ignore = "minutes in an interpreter")]
    fn a_power_cut_after_every_byte_leaves_the_old_or_the_new() {
        let mut rng = Xorshift::new(4);
        let longest = SLOT + SLOT + 1;
        let (mut old, mut new) = (0, 0);
        for before in 0..4 {
            for cut in 0..longest {
                let flash = Flash { bytes: core::array::from_fn(|_| rng.next_u32() as u8), bytes_left: usize::MAX };
                let mut slots = TwoSlots::new(flash, SLOT);
                let mut saved = None;
                for _ in 0..before {
                    let bytes = content(&mut rng);
                    slots.save(&bytes).unwrap();
                    saved = Some(bytes);
                    assert_eq!(load(&mut slots), saved);
                }
                slots.device.bytes_left = cut;
                let next = content(&mut rng);
                let done = slots.save(&next).is_ok();
                let found = load(&mut slots);
                assert!(found == saved || found.as_ref() == Some(&next), "{before} saves, cut after {cut} bytes");
                assert!(!done || found.as_ref() == Some(&next));
                if found == saved {
                    old += 1
                } else {
                    new += 1
                }
                // and life goes on
                slots.device.bytes_left = usize::MAX;
                let last = content(&mut rng);
                slots.save(&last).unwrap();
                assert_eq!(load(&mut slots), Some(last));
            }
        }
        assert!(old > 500 && new > 50, "{old} {new}");
    }

    #[test]
    fn the_sequence_wraps() {
        let mut slots = TwoSlots::new(Flash { bytes: [0; 2 * SLOT], bytes_left: usize::MAX }, SLOT);
        assert_eq!(load(&mut slots), None, "zeros are nothing");
        slots.save(b"a").unwrap();
        // the sequence of the slot, set to the last one
        let mut crc = Crc32::new();
        crc.add(&u32::MAX.to_le_bytes());
        crc.add(&1_u32.to_le_bytes());
        crc.add(b"a");
        slots.device.bytes[..4].fill(0xff);
        slots.device.bytes[8..12].copy_from_slice(&crc.value().to_le_bytes());
        assert_eq!(load(&mut slots).unwrap(), b"a");
        slots.save(b"b").unwrap();
        assert_eq!(load(&mut slots).unwrap(), b"b");
        slots.save(b"c").unwrap();
        assert_eq!(load(&mut slots).unwrap(), b"c");
    }

    #[test]
    fn lengths_are_checked() {
        let mut slots = TwoSlots::new(Flash { bytes: [0xff; 2 * SLOT], bytes_left: usize::MAX }, SLOT);
        assert_eq!(slots.load(&mut []), Err(SlotError::Empty));
        assert_eq!(slots.save(&[1; SLOT - 15]), Err(SlotError::TooLong { needed: SLOT + 1, given: SLOT }));
        assert_eq!(slots.save(&[1; SLOT - 16]), Ok(()));
        assert_eq!(slots.load(&mut [0; 10]), Err(SlotError::TooLong { needed: SLOT - 16, given: 10 }));
    }

    #[test]
    fn a_length_beyond_the_slot_is_nothing_and_is_not_read() {
        let mut slots = TwoSlots::new(Flash { bytes: [0xff; 2 * SLOT], bytes_left: usize::MAX }, SLOT);
        for address in [0, SLOT] {
            // the content would end one byte behind the slot, and behind the device
            let length = (SLOT as u32 - 15).to_le_bytes();
            slots.device.bytes[address + 4..address + 8].copy_from_slice(&length);
            let end = (address + SLOT + 1).min(2 * SLOT);
            let mut crc = Crc32::new();
            for bytes in [&[0xff; 4], &length, &slots.device.bytes[address + HEAD..end]] {
                crc.add(bytes);
            }
            let checksum = crc.value().to_le_bytes();
            slots.device.bytes[address + 8..address + 12].copy_from_slice(&checksum);
            assert_eq!(slots.load(&mut [0; SLOT]), Err(SlotError::Empty), "{address}");
        }
    }
}
