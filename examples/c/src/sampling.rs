//! From probabilities to words, and random numbers.

use rnnlm::{Candidate, Sampler, Xorshift, top};

use crate::{
    errors::NOTHING_TO_DRAW,
    pointers::{check, check_apart, slice, slice_mut, tell},
    status::{Failure, Status, status},
};

/// A generator of random numbers, the same on every machine; not for secrets.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Rng {
    /// All that it is; keep it to go on later.
    pub state: u64,
}

fn check_apart_of<T>(best: &[Candidate], other: &[T]) -> Result<(), Failure> {
    check_apart(best.as_ptr().addr(), size_of_val(best), other.as_ptr().addr(), size_of_val(other))
}

/// Starts a generator; any seed will do.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rnnlm_rng_init(rng: *mut Rng, seed: u64) -> Status {
    status(|| {
        check(rng)?;
        // SAFETY: the caller's.
        unsafe { tell(rng, Rng { state: Xorshift::new(seed).state() }) };
        Ok::<(), Failure>(())
    })
}

/// A random integer below bound; 0 where the bound is 0 or rng is null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rnnlm_rng_below(rng: *mut Rng, bound: u32) -> u32 {
    if check(rng).is_err() {
        return 0;
    }
    // SAFETY: the caller's, aligned and not null.
    let mut generator = Xorshift::from_state(unsafe { rng.read() }.state);
    let number = generator.below(bound);
    // SAFETY: the caller's.
    unsafe { tell(rng, Rng { state: generator.state() }) };
    number
}

/// Fills best with the likeliest words that are not in skip, the likeliest first and among equals the lower id first.
/// Tells how many were found, at most capacity, unless found is null. skip may be null where skip_len is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rnnlm_top(
    probabilities: *const f32,
    len: usize,
    skip: *const u32,
    skip_len: usize,
    best: *mut Candidate,
    capacity: usize,
    found: *mut usize,
) -> Status {
    status(|| {
        // SAFETY: the caller's.
        let (probabilities, skip, best) =
            unsafe { (slice(probabilities, len)?, slice(skip, skip_len)?, slice_mut(best, capacity)?) };
        check_apart_of(best, probabilities)?;
        check_apart_of(best, skip)?;
        let number = top(probabilities, skip, best).len();
        // SAFETY: the caller's.
        unsafe { tell(found, number) };
        Ok(())
    })
}

/// Draws a word by its share of the probabilities, of the count likeliest words alone; of all where count is 0. best is
/// room for these count candidates, and may be null for none. The same for the same probabilities and generator on
/// every machine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rnnlm_sample(
    probabilities: *const f32,
    len: usize,
    rng: *mut Rng,
    best: *mut Candidate,
    count: usize,
    id: *mut u32,
) -> Status {
    status(|| {
        check(rng)?;
        check(id)?;
        // SAFETY: the caller's.
        let (probabilities, best, state) =
            unsafe { (slice(probabilities, len)?, slice_mut(best, count)?, rng.read().state) };
        check_apart_of(best, probabilities)?;
        let mut sampler = Sampler::new(Xorshift::from_state(state)).with_top(best);
        let drawn = sampler.choose(probabilities);
        // SAFETY: the caller's.
        unsafe {
            tell(rng, Rng { state: sampler.rng().state() });
            tell(id, drawn.ok_or(NOTHING_TO_DRAW)?);
        }
        Ok(())
    })
}
