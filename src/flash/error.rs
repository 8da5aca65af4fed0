//! What can go wrong with slots.

use core::fmt;

use crate::error::CheckpointError;

/// Why a slot can't be saved or loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SlotError<E> {
    /// Neither slot holds anything whole.
    Empty,
    /// The bytes are more than a place in a slot holds, or than the buffer does.
    TooLong {
        /// The room needed, in bytes.
        needed: usize,
        /// The room there is.
        given: usize,
    },
    /// The device failed.
    Device(E),
    /// What was written reads back otherwise, in every place.
    Unverified,
    /// The length of a slot is no multiple of the device's units.
    Unaligned,
    /// Content is longer or shorter than it was said to be.
    Length {
        /// The bytes announced.
        needed: usize,
        /// Those that came.
        given: usize,
    },
    /// A checkpoint that was to be saved is refused.
    Checkpoint(CheckpointError),
}

impl<E> From<CheckpointError> for SlotError<E> {
    fn from(error: CheckpointError) -> Self {
        Self::Checkpoint(error)
    }
}

impl<E> SlotError<E> {
    /// Its number, which stays the same over versions: see [`Error`](crate::Error).
    ///
    /// ```
    /// use rnnlm::SlotError;
    /// let error = SlotError::Device("bus");
    /// assert_eq!((error.code(), error.as_str()), (803, "the device failed"));
    /// ```
    #[must_use]
    pub const fn code(&self) -> u16 {
        match self {
            Self::Empty => 801,
            Self::TooLong { .. } => 802,
            Self::Device(_) => 803,
            Self::Unverified => 804,
            Self::Unaligned => 805,
            Self::Length { .. } => 806,
            Self::Checkpoint(error) => error.code(),
        }
    }

    /// What is wrong, without numbers and without the device's words: costs no `core::fmt`.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Empty => "nothing whole was saved: start from new weights",
            Self::TooLong { .. } => "the bytes are more than a place in a slot or the buffer holds",
            Self::Device(_) => "the device failed",
            Self::Unverified => "what was written reads back otherwise: save again, or replace the flash",
            Self::Unaligned => "the length of a slot is no multiple of the device's units: round it up",
            Self::Length { .. } => "content is longer or shorter than it was said to be",
            Self::Checkpoint(error) => error.as_str(),
        }
    }
}

impl<E: fmt::Display> fmt::Display for SlotError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { needed, given } => {
                write!(f, "{needed} bytes are needed and {given} are there: give a longer slot or buffer")
            }
            Self::Length { needed, given } => {
                write!(f, "{needed} bytes were announced and {given} came: announce what is written")
            }
            Self::Device(error) => error.fmt(f),
            Self::Checkpoint(error) => error.fmt(f),
            _ => f.write_str(self.as_str()),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> core::error::Error for SlotError<E> {}
