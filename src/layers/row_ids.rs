//! The input ids of a window, kept from its forward to its backward pass.

use crate::simd::PACKS;

/// The input id of each row of the activations (T*N), in a buffer of the workspace. The workspace is one block of f32,
/// so an id is kept as the bits of a float. Only this file converts.
pub(crate) struct RowIds<'a>(&'a mut [f32]);

/// One row's place for its id.
pub(crate) struct RowId<'a>(&'a mut f32);

/// In the place of a row whose gradient was added to that of another row. No id is as large.
const MERGED: u32 = u32::MAX;

impl<'a> RowIds<'a> {
    pub(crate) fn new(buffer: &'a mut [f32]) -> Self {
        Self(buffer)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The places, in the order of the rows.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = RowId<'_>> {
        self.0.iter_mut().map(RowId)
    }

    /// The id of each row, `None` where its gradient was added to that of another row.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Option<u32>> {
        self.0.iter().map(|place| Some(place.to_bits()).filter(|&id| id != MERGED))
    }

    /// The gradient of this row was added to that of another row.
    pub(crate) fn set_merged(&mut self, row: usize) {
        if let Some(place) = self.0.get_mut(row) {
            RowId(place).set(MERGED);
        }
    }

    /// The first row with the id of row `row`. Quadratic in all, but sixteen comparisons are a vector operation.
    pub(crate) fn first_with_same_id(&self, row: usize) -> usize {
        let (Some(id), Some(before)) = (self.0.get(row).map(|id| id.to_bits()), self.0.get(..row)) else { return row };
        let is_same = |other: &f32| other.to_bits() == id;
        let mut passed = 0;
        if PACKS {
            let has_same = |block: &[f32]| block.iter().fold(false, |found, other| found | is_same(other));
            passed = before.chunks(16).position(has_same).map_or(before.len(), |block| 16 * block);
        }
        before.iter().skip(passed).position(is_same).map_or(row, |at| passed + at)
    }
}

impl RowId<'_> {
    pub(crate) fn set(self, id: u32) {
        *self.0 = f32::from_bits(id);
    }
}
