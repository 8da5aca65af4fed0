extern crate std;
use std::vec::Vec;

use super::{super::record::HEAD, *};
use crate::{Xorshift, checkpoint::crc::Crc32, error::CheckpointError};

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
    let longest = 3 * SLOT + 1;
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

#[test]
fn codes_are_pinned_and_a_borrowed_device_is_one() {
    let errors =
        [SlotError::Empty, SlotError::TooLong { needed: 2, given: 1 }, SlotError::Device(()), SlotError::Unverified];
    assert_eq!(errors.map(|error| error.code()), [801, 802, 803, 804]);
    let errors = [SlotError::Unaligned, SlotError::Length { needed: 2, given: 1 }, CheckpointError::Words.into()];
    assert_eq!(errors.map(|error: SlotError<()>| error.code()), [805, 806, 512]);
    let mut flash = Flash { bytes: [0xff; 2 * SLOT], bytes_left: usize::MAX };
    TwoSlots::new(&mut flash, SLOT).save(b"kept").unwrap();
    let mut bytes = [0; 10];
    assert_eq!(TwoSlots::new(flash, SLOT).load(&mut bytes), Ok(4));
}
