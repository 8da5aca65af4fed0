//! CRC-32 as in Ethernet, zip and Python's `zlib.crc32` (IEEE 802.3: reflected polynomial 0xedb88320), four bits at a time: a
//! table of 64 bytes.

/// The CRC-32 of these bytes.
pub(super) fn crc32(bytes: &[u8]) -> u32 {
    !continued(!0, bytes)
}

/// The register after these bytes.
fn continued(register: u32, bytes: &[u8]) -> u32 {
    bytes.iter().fold(register, |register, &byte| {
        let register = register ^ u32::from(byte);
        (0..2).fold(register, |register, _| (register >> 4) ^ TABLE[(register & 15) as usize])
    })
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
mod tests {
    use super::crc32;

    /// The check value that catalogues give for the digits 1 to 9, and `zlib.crc32` of two more texts.
    #[test]
    fn reference_values() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc32(b""), 0);
        assert_eq!(crc32(b"The quick brown fox jumps over the lazy dog"), 0x414f_a339);
    }
}
