//! One record in a place of a slot: its head, its checksum, and how its content is written and read.

use super::{
    device::{BlockDevice, PAGE},
    error::SlotError,
};
use crate::checkpoint::{bytes::fill, crc::Crc32};

/// The bytes of a head.
pub(super) const HEAD: usize = 16;

/// A head with the checksum of itself and of the content.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Head {
    pub sequence: u32,
    pub len: usize,
    pub checksum: u32,
}

impl Head {
    /// Where the content begins, behind the address of the head: units of both kinds begin there.
    pub(super) const fn room<D: BlockDevice>() -> usize {
        HEAD.next_multiple_of(unit::<D>())
    }

    fn crc(&self) -> Crc32 {
        let mut crc = Crc32::new();
        crc.add(&self.sequence.to_le_bytes());
        crc.add(&(self.len as u32).to_le_bytes());
        crc
    }

    pub(super) fn read<D: BlockDevice>(device: &mut D, address: usize) -> Result<Self, D::Error> {
        let mut words = [0; 3];
        read(device, address, HEAD, &mut |_, page| {
            for (to, from) in words.iter_mut().zip(page.as_chunks().0) {
                *to = u32::from_le_bytes(*from);
            }
        })?;
        let [sequence, len, checksum] = words;
        Ok(Self { sequence, len: usize::try_from(len).unwrap_or(usize::MAX), checksum })
    }

    /// Whether the content at this address has the checksum; `page` sees it piece by piece, with the place of each.
    pub(super) fn is_of<D: BlockDevice>(
        &self,
        device: &mut D,
        address: usize,
        page: &mut dyn FnMut(usize, &[u8]),
    ) -> Result<bool, D::Error> {
        let mut crc = self.crc();
        read(device, address, self.len, &mut |at, bytes| {
            crc.add(bytes);
            page(at, bytes);
        })?;
        Ok(crc.value() == self.checksum)
    }

    /// Writes content and then the head with its checksum at `address`; the place was erased. The other result is that
    /// of `content`, and whether the device failed meanwhile.
    pub(super) fn write<D: BlockDevice, R, X: From<SlotError<D::Error>>>(
        &mut self,
        device: &mut D,
        address: usize,
        content: &mut dyn FnMut(&mut RecordWriter<'_, D>) -> Result<R, X>,
    ) -> Result<R, (X, bool)> {
        let (crc, needed) = (self.crc(), self.len);
        let at = address.saturating_add(Self::room::<D>());
        let mut writer =
            RecordWriter { device, at, page: [0xff; PAGE], filled: 0, needed, given: 0, crc, has_failed: false };
        let done = content(&mut writer);
        let result = done.map_err(|error| (error, writer.has_failed))?;
        let given = writer.given;
        if given != needed {
            return Err((SlotError::Length { needed, given }.into(), false));
        }
        let failed = |error| (SlotError::Device(error).into(), true);
        writer.flush().map_err(failed)?;
        self.checksum = writer.crc.value();
        let words = [self.sequence, self.len as u32, self.checksum, 0];
        writer.page.iter_mut().zip(words.into_iter().flat_map(u32::to_le_bytes)).for_each(|(to, byte)| *to = byte);
        (writer.at, writer.filled) = (address, HEAD);
        writer.flush().map_err(failed)?;
        Ok(result)
    }
}

/// The unit in which places are laid out.
pub(super) const fn unit<D: BlockDevice>() -> usize {
    if D::READ_UNIT > D::WRITE_UNIT { D::READ_UNIT } else { D::WRITE_UNIT }
}

/// Reads whole units in pages, and hands over the first `len` bytes.
fn read<D: BlockDevice>(
    device: &mut D,
    address: usize,
    len: usize,
    to: &mut dyn FnMut(usize, &[u8]),
) -> Result<(), D::Error> {
    let mut page = [0; PAGE];
    for at in (0..len).step_by(PAGE) {
        let len = (len - at).min(PAGE);
        if let Some(page) = page.get_mut(..len.next_multiple_of(D::READ_UNIT)) {
            device.read(address.saturating_add(at), page)?;
        }
        device.between_pages();
        to(at, page.get(..len).unwrap_or(&[]));
    }
    Ok(())
}

/// Where the content of a record goes, in pieces of any length:
/// see [`TwoSlots::save_with`](crate::TwoSlots::save_with).
pub struct RecordWriter<'d, D> {
    device: &'d mut D,
    /// Where the page is written.
    at: usize,
    page: [u8; PAGE],
    filled: usize,
    needed: usize,
    given: usize,
    crc: Crc32,
    has_failed: bool,
}

impl<D: BlockDevice> RecordWriter<'_, D> {
    /// Adds these bytes.
    ///
    /// # Errors
    /// The device's, and [`SlotError::Length`] beyond the length that was announced.
    pub fn write(&mut self, mut bytes: &[u8]) -> Result<(), SlotError<D::Error>> {
        self.given = self.given.saturating_add(bytes.len());
        if self.given > self.needed {
            return Err(SlotError::Length { needed: self.needed, given: self.given });
        }
        self.crc.add(bytes);
        while !bytes.is_empty() {
            bytes = fill(&mut self.page, &mut self.filled, bytes);
            if self.filled >= PAGE {
                self.flush().map_err(SlotError::Device)?;
            }
        }
        Ok(())
    }

    /// Writes what the page holds, filled up to whole units.
    fn flush(&mut self) -> Result<(), D::Error> {
        let filled = self.filled.next_multiple_of(D::WRITE_UNIT);
        let Some(page) = self.page.get(..filled).filter(|page| !page.is_empty()) else { return Ok(()) };
        let done = self.device.write(self.at, page);
        self.has_failed |= done.is_err();
        self.device.between_pages();
        self.at = self.at.saturating_add(filled);
        self.filled = 0;
        self.page.fill(0xff);
        done
    }
}
