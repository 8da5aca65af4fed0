use super::*;

/// The check value that catalogues give for the digits 1 to 9, and `zlib.crc32` of two more texts.
#[test]
fn reference_values() {
    assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    assert_eq!(crc32(b""), 0);
    assert_eq!(crc32(b"The quick brown fox jumps over the lazy dog"), 0x414f_a339);
    let mut pieces = Crc32::new();
    for piece in ["12", "", "3456789"] {
        pieces.add(piece.as_bytes());
    }
    assert_eq!(pieces.value(), 0xcbf4_3926);
}
