//! The instruction set as a value: detected once, or asked for by name, then passed along.

use core::{
    fmt,
    hash::{Hash, Hasher},
    str::FromStr,
};

#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
use super::Widened;
#[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
use super::neon::Neon;
#[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
use super::relaxed_simd::RelaxedSimd;
#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
use super::x86::{avx2::Avx2, avx512::Avx512, sse2::Sse2};
use super::{Kernel, OneLane, Scalar, Simd};
#[cfg(all(target_arch = "wasm32", target_feature = "simd128", not(target_feature = "relaxed-simd")))]
use super::{Widened, simd128::Simd128};
use crate::error::IsaError;

/// The instruction set that computes. All of them give the same bits; they differ in speed alone.
///
/// ```
/// use rnnlm::Isa;
///
/// let best = Isa::detect();
/// assert!(Isa::available().any(|isa| isa == best));
/// assert_eq!(Isa::by_name("portable")?.name(), "portable");
/// # Ok::<(), rnnlm::IsaError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Isa(Token);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Token {
    Scalar(Scalar),
    #[cfg(all(target_arch = "wasm32", target_feature = "simd128", not(target_feature = "relaxed-simd")))]
    Simd128(Widened<Simd128>),
    #[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
    RelaxedSimd(RelaxedSimd),
    #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
    Sse2(Widened<Sse2>),
    #[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
    Neon(Neon),
    #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
    Avx2(Avx2),
    #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
    Avx512(Avx512),
}

/// Every name that [`Isa::by_name`] knows, on any machine, slowest first.
const NAMES: [&str; 8] = ["portable", "cortex-m", "simd128", "relaxed-simd", "sse2", "neon", "avx2", "avx512"];

impl Isa {
    /// The path of one lane, on every machine: slow where it has to emulate the fused multiply-add, and the oracle that
    /// the others are compared with. Its name is `portable`; on a Cortex-M with an FPU it is `cortex-m`, a path of
    /// its own for a short flash, with the same bits.
    pub const SCALAR: Self = Self(Token::Scalar(Scalar));

    /// The fastest instruction set of this machine. The processor is asked once in the life of a program, which can
    /// take microseconds where a hypervisor answers in its place.
    #[must_use]
    pub fn detect() -> Self {
        #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
        if let Some(token) = Avx512::new() {
            return Self(Token::Avx512(token));
        }
        #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
        if let Some(token) = Avx2::new() {
            return Self(Token::Avx2(token));
        }
        #[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
        if let Some(token) = Neon::new() {
            return Self(Token::Neon(token));
        }
        #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
        if let Some(token) = Sse2::new() {
            return Self(Token::Sse2(token));
        }
        #[cfg(all(target_arch = "wasm32", target_feature = "simd128", not(target_feature = "relaxed-simd")))]
        if let Some(token) = Simd128::new() {
            return Self(Token::Simd128(token));
        }
        #[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
        if let Some(token) = RelaxedSimd::new() {
            return Self(Token::RelaxedSimd(token));
        }
        Self::SCALAR
    }

    /// The instruction sets of this machine, slowest first.
    pub fn available() -> impl Iterator<Item = Self> {
        NAMES.into_iter().filter_map(|name| Self::by_name(name).ok())
    }

    /// The instruction set of that name: `portable`, `cortex-m`, `simd128`, `relaxed-simd`, `sse2`, `neon`, `avx2` or
    /// `avx512`.
    ///
    /// # Errors
    /// [`IsaError::Unknown`] where no instruction set bears the name, [`IsaError::NotHere`] where this machine lacks
    /// it.
    pub fn by_name(name: &str) -> Result<Self, IsaError> {
        match name {
            Scalar::NAME => Ok(Self::SCALAR),
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128", not(target_feature = "relaxed-simd")))]
            "simd128" => Simd128::new().map(|token| Self(Token::Simd128(token))).ok_or(IsaError::NotHere),
            #[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
            "relaxed-simd" => RelaxedSimd::new().map(|token| Self(Token::RelaxedSimd(token))).ok_or(IsaError::NotHere),
            #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
            "sse2" => Sse2::new().map(|token| Self(Token::Sse2(token))).ok_or(IsaError::NotHere),
            #[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
            "neon" => Neon::new().map(|token| Self(Token::Neon(token))).ok_or(IsaError::NotHere),
            #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
            "avx2" => Avx2::new().map(|token| Self(Token::Avx2(token))).ok_or(IsaError::NotHere),
            #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
            "avx512" => Avx512::new().map(|token| Self(Token::Avx512(token))).ok_or(IsaError::NotHere),
            _ if NAMES.contains(&name) => Err(IsaError::NotHere),
            _ => Err(IsaError::Unknown),
        }
    }

    /// Its name, as [`Isa::by_name`] takes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self.0 {
            Token::Scalar(_) => Scalar::NAME,
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128", not(target_feature = "relaxed-simd")))]
            Token::Simd128(_) => "simd128",
            #[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
            Token::RelaxedSimd(_) => "relaxed-simd",
            #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
            Token::Sse2(_) => "sse2",
            #[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
            Token::Neon(_) => "neon",
            #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
            Token::Avx2(_) => "avx2",
            #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
            Token::Avx512(_) => "avx512",
        }
    }

    /// Runs a kernel on it: the only place where the choice is made.
    pub(crate) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self.0 {
            Token::Scalar(token) => token.run(kernel),
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128", not(target_feature = "relaxed-simd")))]
            Token::Simd128(token) => token.run(kernel),
            #[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
            Token::RelaxedSimd(token) => token.run(kernel),
            #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
            Token::Sse2(token) => token.run(kernel),
            #[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
            Token::Neon(token) => token.run(kernel),
            #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
            Token::Avx2(token) => token.run(kernel),
            #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
            Token::Avx512(token) => token.run(kernel),
        }
    }
}

impl Hash for Isa {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name().hash(state);
    }
}

/// By its name, as [`Isa::by_name`].
///
/// ```
/// use rnnlm::Isa;
/// let isa: Isa = Isa::SCALAR.to_string().parse()?;
/// assert_eq!(isa, Isa::SCALAR);
/// # Ok::<(), rnnlm::IsaError>(())
/// ```
impl FromStr for Isa {
    type Err = IsaError;

    fn from_str(name: &str) -> Result<Self, IsaError> {
        Self::by_name(name)
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Debug for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Isa(")?;
        f.write_str(self.name())?;
        f.write_str(")")
    }
}

impl fmt::Display for IsaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())?;
        f.write_str(":")?;
        // without `write!`, which costs flash
        Isa::available().try_for_each(|isa| {
            f.write_str(" ")?;
            f.write_str(isa.name())
        })
    }
}

#[cfg(test)]
mod tests;
