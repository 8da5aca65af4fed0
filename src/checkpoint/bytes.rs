//! Bytes: little-endian f32 read one by one anywhere, or where they stand if they are aligned; pages that fill up.
#![allow(unsafe_code)]

use core::slice;

/// The numbers in these bytes; an incomplete last one is left out.
pub(crate) fn floats(bytes: &[u8]) -> impl Iterator<Item = f32> + '_ {
    bytes.chunks_exact(4).map(|four| four.first_chunk().map_or(0.0, |&four| f32::from_le_bytes(four)))
}

/// Fills memory with the numbers in these bytes, and gives what remains of it. A loop of its own for each tensor: one
/// over all of them looks for the next tensor at each number.
#[inline(never)]
pub(crate) fn take_floats<'t>(to: &'t mut [f32], bytes: &[u8]) -> &'t mut [f32] {
    let count = to.len().min(bytes.len() / 4);
    let Some((filled, rest)) = to.split_at_mut_checked(count) else { return &mut [] };
    filled.iter_mut().zip(floats(bytes)).for_each(|(to, x)| *to = x);
    rest
}

/// The same numbers in place; `None` where the bytes are not aligned to four, not whole numbers, or not in this
/// machine's order.
pub(crate) fn view(bytes: &[u8]) -> Option<&[f32]> {
    let start = bytes.as_ptr().cast::<f32>();
    if cfg!(target_endian = "big") || !start.is_aligned() || !bytes.len().is_multiple_of(4) {
        return None;
    }
    // SAFETY: the pointer is aligned and the bytes behind it are len / 4 times four initialised ones that stay borrowed
    // for the same lifetime; every bit pattern is an f32.
    Some(unsafe { slice::from_raw_parts(start, bytes.len() / 4) })
}

/// Fills `page` on from `filled` with as many of the bytes as there is room for. Gives the others.
pub(crate) fn fill<'b>(page: &mut [u8], filled: &mut usize, bytes: &'b [u8]) -> &'b [u8] {
    let room = page.get_mut(*filled..).unwrap_or(&mut []);
    let (now, later) = bytes.split_at_checked(room.len()).unwrap_or((bytes, &[]));
    room.iter_mut().zip(now).for_each(|(to, &byte)| *to = byte);
    *filled += now.len();
    later
}

#[cfg(test)]
mod tests;
