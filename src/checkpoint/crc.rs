//! CRC-32 as in Ethernet, zip and Python's `zlib.crc32` (IEEE 802.3: reflected polynomial 0xedb88320), four bits at a
//! time: a table of 64 bytes.

/// The CRC-32 of these bytes.
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = Crc32::new();
    crc.add(bytes);
    crc.value()
}

/// A CRC-32 of bytes that come piece by piece.
pub(crate) struct Crc32(u32);

impl Crc32 {
    pub(crate) fn new() -> Self {
        Self(!0)
    }

    pub(crate) fn add(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |register, &byte| {
            let register = register ^ u32::from(byte);
            (0..2).fold(register, |register, _| (register >> 4) ^ TABLE[(register & 15) as usize])
        });
    }

    pub(crate) fn value(&self) -> u32 {
        !self.0
    }
}

const TABLE: [u32; 16] = {
    let mut table = [0; 16];
    let mut i = 0;
    while i < 16 {
        let mut register = i as u32;
        let mut bit = 0;
        while bit < 4 {
            register = (register >> 1) ^ (0xedb8_8320 * (register & 1));
            bit += 1;
        }
        table[i] = register;
        i += 1;
    }
    table
};

#[cfg(test)]
mod tests;
