//! What flash can do, in the caller's words.

/// The most bytes that are read or written in one call, which is also the longest unit.
pub(super) const PAGE: usize = 512;

/// Memory that keeps its content without power. Addresses and lengths are in bytes, and the constants are those of its
/// data sheet, in the shape of `NorFlash` in the crate `embedded-storage`; `examples/firmware` has the adapter.
///
/// Reads come in whole read units, writes in whole write units, each at a multiple of its unit and with 512 bytes at
/// most. No unit is written twice between two erases, so flash with error correction serves.
///
/// [`TwoSlots`](crate::TwoSlots) shows one in RAM; of flash that is erased in blocks the units are said too:
///
/// ```
/// use rnnlm::BlockDevice;
/// struct Flash([u8; 8192]);
/// impl BlockDevice for Flash {
///     type Error = ();
///     const WRITE_UNIT: usize = 8;
///     const ERASE_UNIT: usize = 4096;
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
/// let mut flash = Flash([0; 8192]);
/// flash.erase(4096, 4096)?;
/// assert_eq!((flash.is_blank(0, 512), flash.is_blank(4096, 512)), (Ok(false), Ok(true)));
/// # Ok::<(), ()>(())
/// ```
pub trait BlockDevice {
    /// What can go wrong.
    type Error;
    /// A power of two up to 512: reads begin at a multiple of it and are as long as one or more.
    const READ_UNIT: usize = 1;
    /// The same for writes.
    const WRITE_UNIT: usize = 1;
    /// What is erased in one call: a multiple of both others. With 0 it is a whole slot.
    const ERASE_UNIT: usize = 0;
    /// Fills `to` with the bytes from `address` on.
    ///
    /// # Errors
    /// The device's own, also where bytes can't be corrected: to guess them is no better.
    fn read(&mut self, address: usize, to: &mut [u8]) -> Result<(), Self::Error>;
    /// Makes `len` bytes from `address` on ready to be written.
    ///
    /// # Errors
    /// The device's own.
    fn erase(&mut self, address: usize, len: usize) -> Result<(), Self::Error>;
    /// Writes bytes that were erased. Returns when they are kept.
    ///
    /// # Errors
    /// The device's own.
    fn write(&mut self, address: usize, bytes: &[u8]) -> Result<(), Self::Error>;
    /// Whether these bytes, whole units of both kinds, are as an erase leaves them. For flash whose erased bytes are
    /// others than 0xff, or an error to read.
    ///
    /// # Errors
    /// The device's own.
    fn is_blank(&mut self, address: usize, len: usize) -> Result<bool, Self::Error> {
        let mut page = [0; PAGE];
        for at in (0..len).step_by(PAGE) {
            let Some(page) = page.get_mut(..(len - at).min(PAGE)) else { break };
            self.read(address.saturating_add(at), page)?;
            self.between_pages();
            if page.iter().any(|&byte| byte != 0xff) {
                return Ok(false);
            }
        }
        Ok(true)
    }
    /// Called after each page that was read or written and after each erase: the place to feed a watchdog.
    fn between_pages(&mut self) {}
}

impl<D: BlockDevice + ?Sized> BlockDevice for &mut D {
    type Error = D::Error;
    const READ_UNIT: usize = D::READ_UNIT;
    const WRITE_UNIT: usize = D::WRITE_UNIT;
    const ERASE_UNIT: usize = D::ERASE_UNIT;

    fn read(&mut self, address: usize, to: &mut [u8]) -> Result<(), D::Error> {
        (**self).read(address, to)
    }

    fn erase(&mut self, address: usize, len: usize) -> Result<(), D::Error> {
        (**self).erase(address, len)
    }

    fn write(&mut self, address: usize, bytes: &[u8]) -> Result<(), D::Error> {
        (**self).write(address, bytes)
    }

    fn is_blank(&mut self, address: usize, len: usize) -> Result<bool, D::Error> {
        (**self).is_blank(address, len)
    }

    fn between_pages(&mut self) {
        (**self).between_pages();
    }
}
