//! What functions answer, and its words.

use core::{ffi::c_char, num::NonZero};

use rnnlm::{CheckpointError, ConfigError, Error, ParameterError, StepError};

use crate::errors::{ALL, NOT_INITIALIZED, Named};

/// 0, or the number of an error.
pub type Status = i32;

/// Why a function stops. Never 0, so that a result without a value is a status already.
#[derive(Clone, Copy)]
pub struct Failure(pub NonZero<Status>);

impl Failure {
    #[inline(always)]
    const fn of(code: u16) -> Self {
        // no error has the number 0
        match NonZero::new(code as Status) {
            Some(code) => Self(code),
            None => Self(NonZero::<Status>::MIN),
        }
    }
}

impl From<Named> for Failure {
    #[inline(always)]
    fn from(error: Named) -> Self {
        Self::of(error.code)
    }
}

impl From<ConfigError> for Failure {
    #[inline(never)]
    fn from(error: ConfigError) -> Self {
        Self::of(error.code())
    }
}

impl From<ParameterError> for Failure {
    #[inline(never)]
    fn from(error: ParameterError) -> Self {
        Self::of(error.code())
    }
}

impl From<StepError> for Failure {
    #[inline(never)]
    fn from(error: StepError) -> Self {
        Self::of(error.code())
    }
}

impl From<CheckpointError> for Failure {
    #[inline(never)]
    fn from(error: CheckpointError) -> Self {
        Self::of(error.code())
    }
}

impl From<Error> for Failure {
    #[inline(never)]
    fn from(error: Error) -> Self {
        match error {
            Error::Config(error) => error.into(),
            Error::Parameter(error) => error.into(),
            Error::Step(error) => error.into(),
            // of a learner there are no others, and their numbers take flash
            _ => NOT_INITIALIZED.into(),
        }
    }
}

/// Runs the body of a function.
#[inline(always)]
pub fn status(body: impl FnOnce() -> Result<(), Failure>) -> Status {
    match body() {
        Ok(()) => 0,
        Err(Failure(code)) => code.get(),
    }
}

/// The bytes of all texts, each ended by a zero.
const TOTAL: usize = {
    let (mut total, mut i) = (0, 0);
    while i < ALL.len() {
        total += ALL[i].text.len() + 1;
        i += 1;
    }
    total
};

/// What C calls strings, one behind the other.
static TEXTS: [u8; TOTAL] = {
    let (mut texts, mut at, mut i) = ([0; TOTAL], 0, 0);
    while i < ALL.len() {
        let (text, mut byte) = (ALL[i].text.as_bytes(), 0);
        while byte < text.len() {
            texts[at] = text[byte];
            (at, byte) = (at + 1, byte + 1);
        }
        (at, i) = (at + 1, i + 1);
    }
    texts
};

/// The numbers, and where their texts begin.
static PLACES: [(u16, u16); ALL.len()] = {
    let (mut places, mut at, mut i) = ([(0, 0); ALL.len()], 0, 0);
    while i < ALL.len() {
        places[i] = (ALL[i].code, at as u16);
        at += ALL[i].text.len() + 1;
        i += 1;
    }
    assert!(at <= u16::MAX as usize);
    places
};

/// Says in English what is wrong and what to do. The text is constant and ends with a zero; for a number that is no
/// error of this library it says so. Never null.
#[unsafe(no_mangle)]
pub extern "C" fn rnnlm_error_message(status: Status) -> *const c_char {
    let place = PLACES.iter().find(|(code, _)| Status::from(*code) == status);
    match place {
        Some((_, at)) => TEXTS.get(usize::from(*at)..).unwrap_or(&[0]).as_ptr().cast(),
        None if status == 0 => c"no error".as_ptr(),
        None => c"not an error of this library".as_ptr(),
    }
}

/// The version of the library, which is `RNNLM_VERSION` where header and library belong together.
#[unsafe(no_mangle)]
pub extern "C" fn rnnlm_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}
