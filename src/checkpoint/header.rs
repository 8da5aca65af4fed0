//! The header of a safetensors file: the little JSON that the format needs, without a heap.
//!
//! ```text
//! {"name":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},...,"__metadata__":{"key":"value",...}}
//! ```

use super::tensors::{Entries, Entry, NAMES};
use crate::error::CheckpointError;

/// Gives the text of a header to `put`, piece by piece.
pub(super) fn write(entries: &Entries, put: &mut dyn FnMut(&[u8])) {
    for (i, (entry, name)) in entries.iter().flatten().zip(&NAMES).enumerate() {
        put(if i == 0 { b"{\"" } else { b",\"" });
        put(name.as_bytes());
        put(if entry.is_f32 { b"\":{\"dtype\":\"F32\",\"shape\":[" } else { b"\":{\"dtype\":\"U8\",\"shape\":[" });
        write_numbers(entry.shape.get(..entry.rank).unwrap_or(&[]), put);
        put(b"],\"data_offsets\":[");
        write_numbers(&entry.offsets, put);
        put(b"]}");
    }
    put(b"}");
}

fn write_numbers(numbers: &[usize], put: &mut dyn FnMut(&[u8])) {
    for (i, &number) in numbers.iter().enumerate() {
        if i > 0 {
            put(b",");
        }
        // decimal digits from the last to the first; a u64 has at most twenty
        let (mut digits, mut rest, mut len) = ([0; 20], number, 0);
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
            len += 1;
            if rest == 0 {
                break;
            }
        }
        put(digits.get(20 - len..).unwrap_or(&[]));
    }
}

/// Finds the tensors that a header describes; `entries` come empty.
pub(super) fn read(text: &[u8], entries: &mut Entries) -> Result<(), CheckpointError> {
    if core::str::from_utf8(text).is_err() {
        return Err(CheckpointError::Header { at: 0 });
    }
    let mut has_metadata = false;
    let mut cursor = Cursor { text, at: 0 };
    cursor.items([b'{', b'}'], &mut |cursor| {
        let at = cursor.at;
        let name = cursor.string()?;
        cursor.expect(b':')?;
        if name == b"__metadata__" {
            if has_metadata {
                return Err(CheckpointError::Duplicate { at });
            }
            has_metadata = true;
            return cursor.metadata();
        }
        let place = NAMES.iter().zip(&mut *entries).find(|(known, _)| known.as_bytes() == name);
        let Some((tensor, place)) = place else { return Err(CheckpointError::UnknownTensor { at }) };
        if place.is_some() {
            return Err(CheckpointError::Duplicate { at });
        }
        *place = Some(cursor.entry(tensor)?);
        Ok(())
    })?;
    match cursor.peek() {
        None => Ok(()),
        Some(_) => Err(cursor.bad()),
    }
}

/// A place in the text.
struct Cursor<'t> {
    text: &'t [u8],
    at: usize,
}

impl<'t> Cursor<'t> {
    fn bad(&self) -> CheckpointError {
        CheckpointError::Header { at: self.at }
    }

    /// The next byte that isn't white space.
    fn peek(&mut self) -> Option<u8> {
        loop {
            match self.text.get(self.at).copied() {
                Some(b' ' | b'\t' | b'\n' | b'\r') => self.at += 1,
                next => return next,
            }
        }
    }

    fn expect(&mut self, byte: u8) -> Result<(), CheckpointError> {
        if self.peek() != Some(byte) {
            return Err(self.bad());
        }
        self.at += 1;
        Ok(())
    }

    /// What stands between two brackets, separated by commas. One function for all that does: flash may be short.
    fn items(
        &mut self,
        [open, close]: [u8; 2],
        item: &mut dyn FnMut(&mut Self) -> Result<(), CheckpointError>,
    ) -> Result<(), CheckpointError> {
        self.expect(open)?;
        if self.peek() == Some(close) {
            return self.expect(close);
        }
        loop {
            self.peek();
            item(self)?;
            match self.peek() {
                Some(b',') => self.at += 1,
                _ => return self.expect(close),
            }
        }
    }

    /// A string as it stands in the text. Names with escapes in them are not ours, so nothing is decoded.
    fn string(&mut self) -> Result<&'t [u8], CheckpointError> {
        self.expect(b'"')?;
        let start = self.at;
        loop {
            match self.text.get(self.at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    self.at += 1;
                    match self.text.get(self.at) {
                        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' | b'u') => self.at += 1,
                        _ => return Err(self.bad()),
                    }
                }
                Some(0x20..) => self.at += 1,
                _ => return Err(self.bad()),
            }
        }
        let string = self.text.get(start..self.at).unwrap_or(&[]);
        self.at += 1;
        Ok(string)
    }

    /// A whole number without sign, leading zero, point or exponent.
    fn number(&mut self) -> Result<usize, CheckpointError> {
        let first = self.peek();
        let start = self.at;
        let mut number = 0_usize;
        while let Some(digit @ b'0'..=b'9') = self.text.get(self.at) {
            let shifted = number.checked_mul(10).and_then(|ten| ten.checked_add(usize::from(digit - b'0')));
            number = shifted.ok_or(self.bad())?;
            self.at += 1;
        }
        let digits = self.at - start;
        if digits == 0 || (first == Some(b'0') && digits > 1) { Err(self.bad()) } else { Ok(number) }
    }

    /// Foreign strings by strings.
    fn metadata(&mut self) -> Result<(), CheckpointError> {
        self.items([b'{', b'}'], &mut |cursor| {
            cursor.string()?;
            cursor.expect(b':')?;
            cursor.string().map(|_| ())
        })
    }

    /// What the header says of one tensor.
    fn entry(&mut self, tensor: &'static str) -> Result<Entry, CheckpointError> {
        let (mut is_f32, mut shape, mut offsets) = (None, None, None);
        self.items([b'{', b'}'], &mut |cursor| {
            let at = cursor.at;
            let key = cursor.string()?;
            cursor.expect(b':')?;
            match key {
                b"dtype" if is_f32.is_none() => {
                    is_f32 = match cursor.string()? {
                        b"F32" => Some(true),
                        b"U8" => Some(false),
                        _ => return Err(CheckpointError::Type { tensor }),
                    }
                }
                b"shape" if shape.is_none() => {
                    shape = Some(cursor.numbers()?.ok_or(CheckpointError::Shape { tensor })?);
                }
                b"data_offsets" if offsets.is_none() => match cursor.numbers()? {
                    Some((2, [begin, end])) if begin <= end => offsets = Some([begin, end]),
                    _ => return Err(CheckpointError::Layout),
                },
                _ => return Err(CheckpointError::Header { at }),
            }
            Ok(())
        })?;
        match (is_f32, shape, offsets) {
            (Some(is_f32), Some((rank, shape)), Some(offsets)) => Ok(Entry { is_f32, rank, shape, offsets }),
            _ => Err(self.bad()),
        }
    }

    /// One number or two, with 1 for a second that isn't there; `None` for another count.
    fn numbers(&mut self) -> Result<Option<(usize, [usize; 2])>, CheckpointError> {
        let (mut numbers, mut count) = ([1; 2], 0);
        self.items([b'[', b']'], &mut |cursor| {
            let number = cursor.number()?;
            if let Some(place) = numbers.get_mut(count) {
                *place = number;
            }
            count += 1;
            Ok(())
        })?;
        Ok(matches!(count, 1 | 2).then_some((count, numbers)))
    }
}
