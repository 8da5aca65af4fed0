//! Flash of any driver that speaks `embedded-storage`, as the library's device; and such flash in RAM, for QEMU.

use embedded_storage::nor_flash::{ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash};
use rnnlm::BlockDevice;

/// A driver whose flash begins with the two slots.
pub struct Nor<F>(pub F);

impl<F: NorFlash> BlockDevice for Nor<F> {
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
}

/// Flash with the units of an STM32H7: 32 bytes are written at a time, once between two erases.
pub struct Ram<const LEN: usize>(pub &'static mut [u8; LEN]);

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
        let units = self.0.get(start..start + bytes.len()).ok_or(Refused)?;
        bytes.iter_mut().zip(units).for_each(|(to, &byte)| *to = byte);
        Ok(())
    }

    fn capacity(&self) -> usize {
        LEN
    }
}

impl<const LEN: usize> NorFlash for Ram<LEN> {
    const WRITE_SIZE: usize = 32;
    const ERASE_SIZE: usize = 8 << 10;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Refused> {
        self.0.get_mut(from as usize..to as usize).ok_or(Refused)?.fill(0xff);
        Ok(())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Refused> {
        let start = offset as usize;
        let units = self.0.get_mut(start..start + bytes.len()).ok_or(Refused)?;
        let is_whole = start.is_multiple_of(32) && bytes.len().is_multiple_of(32);
        if !is_whole || units.iter().any(|&byte| byte != 0xff) {
            return Err(Refused);
        }
        units.iter_mut().zip(bytes).for_each(|(to, &byte)| *to = byte);
        Ok(())
    }
}
