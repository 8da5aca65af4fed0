//! Flash of any driver that speaks `embedded-storage`, as the library's device; and such flash in RAM, for QEMU.

use embedded_storage::nor_flash::{ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash};
use rnnlm::BlockDevice;

/// A driver whose flash begins with the two slots, and what feeds the watchdog.
pub struct Nor<F, W>(pub F, pub W);

impl<F: NorFlash, W: FnMut()> BlockDevice for Nor<F, W> {
    type Error = F::Error;
    const READ_UNIT: usize = F::READ_SIZE;
    const WRITE_UNIT: usize = F::WRITE_SIZE;
    const ERASE_UNIT: usize = F::ERASE_SIZE;

    fn read(&mut self, address: usize, to: &mut [u8]) -> Result<(), F::Error> {
        self.0.read(address as u32, to)
    }

    fn erase(&mut self, address: usize, len: usize) -> Result<(), F::Error> {
        self.0.erase(address as u32, (address + len) as u32)
    }

    fn write(&mut self, address: usize, bytes: &[u8]) -> Result<(), F::Error> {
        self.0.write(address as u32, bytes)
    }

    fn between_pages(&mut self) {
        (self.1)();
    }
}

/// Flash with the units of an STM32H7: 32 bytes are written at a time, once between two erases. The power may fail.
pub struct Ram<const LEN: usize> {
    bytes: &'static mut [u8; LEN],
    /// How many more units are written or erased until the power fails.
    power: usize,
}

impl<const LEN: usize> Ram<LEN> {
    pub fn new(bytes: &'static mut [u8; LEN]) -> Self {
        Self { bytes, power: usize::MAX }
    }

    /// What is in it, as a microcontroller sees its own flash.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..]
    }

    /// The power will fail while the last of so many units is written or erased, which is torn then.
    pub fn set_power(&mut self, units: usize) {
        self.power = units;
    }

    /// Whether it has failed.
    pub fn is_off(&self) -> bool {
        self.power == 0
    }

    /// Changes units one by one, for as long as there is power.
    fn change(&mut self, start: usize, len: usize, new: impl Fn(usize) -> u8) -> Result<(), Refused> {
        let units = self.bytes.get_mut(start..start + len).ok_or(Refused)?;
        for (number, unit) in units.chunks_mut(UNIT).enumerate() {
            self.power = self.power.checked_sub(1).ok_or(Refused)?;
            let whole = if self.power == 0 { unit.len() / 2 } else { unit.len() };
            unit.iter_mut().zip(number * UNIT..).take(whole).for_each(|(to, at)| *to = new(at));
            if self.power == 0 {
                return Err(Refused);
            }
        }
        Ok(())
    }
}

const UNIT: usize = 32;

#[derive(Debug)]
pub struct Refused;

impl NorFlashError for Refused {
    fn kind(&self) -> NorFlashErrorKind {
        NorFlashErrorKind::Other
    }
}

impl<const LEN: usize> ErrorType for Ram<LEN> {
    type Error = Refused;
}

impl<const LEN: usize> ReadNorFlash for Ram<LEN> {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Refused> {
        let start = offset as usize;
        let units = self.bytes.get(start..start + bytes.len()).filter(|_| !self.is_off()).ok_or(Refused)?;
        bytes.iter_mut().zip(units).for_each(|(to, &byte)| *to = byte);
        Ok(())
    }

    fn capacity(&self) -> usize {
        LEN
    }
}

impl<const LEN: usize> NorFlash for Ram<LEN> {
    const WRITE_SIZE: usize = UNIT;
    const ERASE_SIZE: usize = 8 << 10;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Refused> {
        self.change(from as usize, (to - from) as usize, |_| 0xff)
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Refused> {
        let (start, len) = (offset as usize, bytes.len());
        let is_whole = start.is_multiple_of(UNIT) && len.is_multiple_of(UNIT);
        let units = self.bytes.get(start..start + len).ok_or(Refused)?;
        if !is_whole || units.iter().any(|&byte| byte != 0xff) {
            return Err(Refused);
        }
        self.change(start, len, |at| bytes.get(at).copied().unwrap_or(0xff))
    }
}
