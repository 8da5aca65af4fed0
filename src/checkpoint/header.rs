//! The header of a safetensors file: the little JSON that the format needs, without a heap.
//!
//! ```text
//! {"name":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},...,"__metadata__":{"key":"..."}}
//! ```
//!
//! What is read is strict JSON, with any spelling of its strings. As by the official reader, metadata may be null, and
//! whatever else an entry says is passed over. A tensor named twice is refused, as the format asks.

use super::tensors::{COUNT, Entries, Entry, Names};
use crate::error::CheckpointError;

// Between the name of a tensor and its sizes, those and its offsets, and behind it.
const F32: &[u8] = b"\":{\"dtype\":\"F32\",\"shape\":[";
const U8: &[u8] = b"\":{\"dtype\":\"U8\",\"shape\":[";
const OFFSETS: &[u8] = b"],\"data_offsets\":[";
const END: &[u8] = b"]}";

/// Where the pieces of a text go.
type Put<'p, E> = dyn FnMut(&[u8]) -> Result<(), E> + 'p;

/// Gives the text of a header to `put`, piece by piece.
pub(super) fn write<E>(names: &'static Names, entries: &Entries, put: &mut Put<'_, E>) -> Result<(), E> {
    for (i, (entry, name)) in entries.iter().flatten().zip(names).enumerate() {
        put(if i == 0 { b"{\"" } else { b",\"" })?;
        put(name.as_bytes())?;
        put(if entry.is_f32 { F32 } else { U8 })?;
        write_numbers(entry.shape.get(..entry.rank).unwrap_or(&[]), put)?;
        put(OFFSETS)?;
        write_numbers(&entry.offsets, put)?;
        put(END)?;
    }
    put(b"}")
}

/// The length of the text that [`write()`] gives.
pub(super) const fn len(names: &'static Names, entries: &Entries) -> usize {
    let (mut len, mut i) = (1, 0);
    while i < COUNT {
        if let Some(Entry { is_f32, rank, shape: [rows, cols], offsets: [begin, end] }) = &entries[i] {
            // a brace or a comma, and a quote, before the name
            len += 2 + names[i].len() + if *is_f32 { F32.len() } else { U8.len() };
            len += digits(*rows) + if *rank == 2 { 1 + digits(*cols) } else { 0 };
            len += OFFSETS.len() + digits(*begin) + 1 + digits(*end) + END.len();
        }
        i += 1;
    }
    len
}

pub(super) const fn digits(number: usize) -> usize {
    match number.checked_ilog10() {
        Some(power) => power as usize + 1,
        None => 1,
    }
}

pub(super) fn write_numbers<E>(numbers: &[usize], put: &mut Put<'_, E>) -> Result<(), E> {
    for (i, &number) in numbers.iter().enumerate() {
        if i > 0 {
            put(b",")?;
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
        put(digits.get(20 - len..).unwrap_or(&[]))?;
    }
    Ok(())
}

/// Finds the tensors that a header describes; `entries` come empty. Gives whether it is spelt as `write` spells it.
pub(super) fn read(names: &'static Names, text: &[u8], entries: &mut Entries) -> Result<bool, CheckpointError> {
    let mut cursor = Cursor { text, at: 0, is_plain: true, error: None };
    if core::str::from_utf8(text).is_ok()
        && let Some(is_plain) = cursor.tensors(names, entries)
    {
        return Ok(is_plain);
    }
    Err(cursor.error.unwrap_or(CheckpointError::Header { at: cursor.at }))
}

/// A place in the text. Its functions give `None` where something is wrong, and stay at the byte that is. Those that
/// are never inlined would take flash once for each caller.
struct Cursor<'t> {
    text: &'t [u8],
    at: usize,
    /// Up to here there is no white space, escape, foreign value or other order.
    is_plain: bool,
    /// What is wrong where the text is JSON.
    error: Option<CheckpointError>,
}

impl<'t> Cursor<'t> {
    /// The whole header.
    fn tensors(&mut self, names: &'static Names, entries: &mut Entries) -> Option<bool> {
        let (mut has_metadata, mut next) = (false, 0);
        self.items([b'{', b'}'], &mut |cursor| {
            let at = cursor.at;
            let name = cursor.key()?;
            if is_spelling(name, "__metadata__") {
                if has_metadata {
                    return cursor.fail(CheckpointError::Duplicate { at });
                }
                has_metadata = true;
                return cursor.value(true);
            }
            let mut places = names.iter().zip(&mut *entries).enumerate();
            let place = places.find(|(_, (known, _))| is_spelling(name, known));
            let Some((number, (tensor, place))) = place else {
                return cursor.fail(CheckpointError::UnknownTensor { at });
            };
            if place.is_some() {
                return cursor.fail(CheckpointError::Duplicate { at });
            }
            cursor.is_plain &= number == next;
            next += 1;
            *place = Some(cursor.entry(tensor)?);
            Some(())
        })?;
        let (is_plain, padding) = (self.is_plain, self.text.get(self.at..)?);
        if self.peek().is_some() {
            return None;
        }
        let is_padding = padding.len() < 8 && padding.iter().all(|&byte| byte == b' ');
        Some(is_plain && is_padding && self.text.len().is_multiple_of(8))
    }

    /// What the header says of one tensor.
    fn entry(&mut self, tensor: &'static str) -> Option<Entry> {
        let (mut is_f32, mut shape, mut offsets, mut next) = (None, None, None, 0);
        self.items([b'{', b'}'], &mut |cursor| {
            let at = cursor.at;
            let key = cursor.key()?;
            let number = ["dtype", "shape", "data_offsets"].iter().position(|name| is_spelling(key, name));
            cursor.is_plain &= number == Some(next);
            next += 1;
            match number {
                Some(0) if is_f32.is_none() => {
                    let dtype = cursor.string()?;
                    is_f32 = Some(is_spelling(dtype, "F32"));
                    if is_f32 == Some(false) && !is_spelling(dtype, "U8") {
                        return cursor.fail(CheckpointError::Type { tensor });
                    }
                }
                Some(1) if shape.is_none() => shape = Some(cursor.numbers()?),
                Some(2) if offsets.is_none() => offsets = Some(cursor.numbers()?),
                Some(_) => {
                    cursor.at = at;
                    return None;
                }
                None => return cursor.value(false),
            }
            Some(())
        })?;
        let ((rank, shape), (count, offsets)) = (shape?, offsets?);
        if !matches!(rank, 1 | 2) {
            return self.fail(CheckpointError::Shape { tensor });
        }
        if count != 2 || offsets[0] > offsets[1] {
            return self.fail(CheckpointError::Layout);
        }
        Some(Entry { is_f32: is_f32?, rank, shape, offsets })
    }

    fn fail<T>(&mut self, error: CheckpointError) -> Option<T> {
        self.error = Some(error);
        None
    }

    /// The next byte that isn't white space.
    fn peek(&mut self) -> Option<u8> {
        while self.skip(b" \t\n\r") {
            self.is_plain = false;
        }
        self.text.get(self.at).copied()
    }

    #[inline(never)]
    fn expect(&mut self, byte: u8) -> Option<()> {
        self.peek();
        self.skip(&[byte]).then_some(())
    }

    /// Whether one of these bytes came next; it is passed then.
    #[inline(never)]
    fn skip(&mut self, bytes: &[u8]) -> bool {
        let found = self.text.get(self.at).is_some_and(|next| bytes.iter().any(|byte| byte == next));
        self.at += usize::from(found);
        found
    }

    /// What stands between two brackets, separated by commas. One function for all that does: flash may be short.
    fn items(&mut self, [open, close]: [u8; 2], item: &mut dyn FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.expect(open)?;
        if self.peek() == Some(close) {
            return self.expect(close);
        }
        loop {
            self.peek();
            item(self)?;
            if self.expect(b',').is_none() {
                return self.expect(close);
            }
        }
    }

    /// Numbers in brackets: how many, and the first two of them, 1 for one that isn't there.
    fn numbers(&mut self) -> Option<(usize, [usize; 2])> {
        let (mut numbers, mut count) = ([1; 2], 0);
        self.items([b'[', b']'], &mut |cursor| {
            let number = cursor.number()?;
            if let Some(place) = numbers.get_mut(count) {
                *place = number;
            }
            count += 1;
            Some(())
        })?;
        Some((count, numbers))
    }

    /// A whole number without sign, leading zero, point or exponent.
    fn number(&mut self) -> Option<usize> {
        let start = self.at;
        let mut number = 0_usize;
        while let Some(digit @ b'0'..=b'9') = self.text.get(self.at) {
            number = number.checked_mul(10)?.checked_add(usize::from(digit - b'0'))?;
            self.at += 1;
        }
        let digits = self.at - start;
        if digits == 0 || (digits > 1 && self.text.get(start) == Some(&b'0')) { None } else { Some(number) }
    }

    /// A string with the colon behind it.
    #[inline(never)]
    fn key(&mut self) -> Option<&'t [u8]> {
        let key = self.string()?;
        self.expect(b':')?;
        Some(key)
    }

    /// A string as it stands in the text, without its quotes. Checked, but not decoded: see [`is_spelling`].
    fn string(&mut self) -> Option<&'t [u8]> {
        self.expect(b'"')?;
        let start = self.at;
        // behind the first half of a surrogate pair, and nowhere else, stands a second
        let mut half = false;
        loop {
            let byte = *self.text.get(self.at)?;
            if byte < b' ' {
                return None;
            }
            self.at += 1;
            self.is_plain &= byte != b'\\';
            let mut surrogate = 0;
            if byte == b'\\' && !self.skip(b"\"\\/bfnrt") {
                self.skip(b"u").then_some(())?;
                surrogate = hex(self.text.get(self.at..)?)? & 0xfc00;
                self.at += 4;
            }
            if half != (surrogate == 0xdc00) {
                return None;
            }
            half = surrogate == 0xd800;
            if byte == b'"' {
                return self.text.get(start..self.at - 1);
            }
        }
    }

    /// Any value, nested up to 31 deep, without memory or stack for the nesting; or metadata: strings by strings, or
    /// null.
    fn value(&mut self, is_metadata: bool) -> Option<()> {
        self.is_plain = false;
        // one bit for each open bracket, 1 for an object's, the innermost lowest; and a 1 above them
        let mut open = 1_u32;
        loop {
            let next = self.peek()?;
            if is_metadata && !matches!((open, next), (1, b'{' | b'n') | (2.., b'"')) {
                return None;
            }
            let opens = matches!(next, b'[' | b'{');
            if opens {
                if open >> 31 == 1 {
                    return None;
                }
                self.at += 1;
                open = open << 1 | u32::from(next == b'{');
            } else if next == b'"' {
                self.string()?;
            } else {
                self.word()?;
            }
            // brackets close, then a comma stands before the next value; but not before the first in a bracket
            let mut is_first = opens;
            loop {
                if open == 1 {
                    return Some(());
                }
                let is_object = open & 1 == 1;
                if self.expect(if is_object { b'}' } else { b']' }).is_none() {
                    if !is_first {
                        self.expect(b',')?;
                    }
                    if is_object {
                        self.key()?;
                    }
                    break;
                }
                (open, is_first) = (open >> 1, false);
            }
        }
    }

    /// `true`, `false`, `null`, or a number of any kind.
    #[inline(never)]
    fn word(&mut self) -> Option<()> {
        let word = match self.text.get(self.at)? {
            b't' => "true",
            b'f' => "false",
            b'n' => "null",
            _ => "",
        };
        if !word.is_empty() {
            return word.bytes().all(|byte| self.skip(&[byte])).then_some(());
        }
        self.skip(b"-");
        if !self.skip(b"0") {
            self.digits()?;
        }
        if self.skip(b".") {
            self.digits()?;
        }
        if self.skip(b"eE") {
            self.skip(b"+-");
            self.digits()?;
        }
        Some(())
    }

    /// One digit or more.
    #[inline(never)]
    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while self.skip(b"0123456789") {}
        (self.at > start).then_some(())
    }
}

/// Whether a string as it stands in the text means this name, which is of letters, digits, dots and underscores: of all
/// escapes `\u` alone gives these.
fn is_spelling(mut string: &[u8], name: &str) -> bool {
    for byte in name.bytes() {
        let (code, rest) = match string {
            [b'\\', b'u', rest @ ..] => (hex(rest), rest.get(4..)),
            [first, rest @ ..] if *first != b'\\' => (Some(u32::from(*first)), Some(rest)),
            _ => return false,
        };
        if code != Some(u32::from(byte)) {
            return false;
        }
        string = rest.unwrap_or(&[]);
    }
    string.is_empty()
}

/// The number of which these are the first four hexadecimal digits.
fn hex(text: &[u8]) -> Option<u32> {
    let digits: &[u8; 4] = text.first_chunk()?;
    digits.iter().try_fold(0, |number, &digit| Some(number << 4 | char::from(digit).to_digit(16)?))
}
