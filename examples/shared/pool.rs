//! Threads that start once and compute for a model whenever it asks: [`Workers`] of the standard library.
//!
//! ```text
//! run     writes the job, opens it, wakes the others; takes part itself; closes it; waits for those who are in it
//! thread  waits for a job that is open and not the one it did last; goes in; works; goes out
//! ```
//!
//! All that they agree on is one word: the number of the job, whether it is open, and how many threads are in it. To go
//! in is one compare-and-swap, which fails where the job was closed meanwhile: nobody waits for a thread that comes too
//! late, because the system had no core for it, say. A thread without a job looks out for one for some microseconds and
//! then sleeps.
#![allow(unsafe_code)]

use std::{
    io, mem,
    panic::{self, AssertUnwindSafe},
    time::{Duration, Instant},
};

#[cfg(loom)]
use crate::sync;
use rnnlm::Workers;
use sync::{
    Arc, AtomicBool, AtomicUsize, JoinHandle, Mutex,
    Ordering::{AcqRel, Acquire, Relaxed, Release},
    Thread, UnsafeCell, current, park, spawn, spin_loop,
};

/// What `tests/interleavings` replaces by its own.
#[cfg(not(loom))]
mod sync {
    pub use std::{
        hint::spin_loop,
        sync::{
            Arc, Mutex,
            atomic::{AtomicBool, AtomicUsize, Ordering},
        },
        thread::{JoinHandle, Thread, current, park},
    };

    /// A cell for whoever knows that nobody else is at it.
    pub struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

    impl<T> UnsafeCell<T> {
        pub fn new(content: T) -> Self {
            Self(content.into())
        }
        pub fn with<R>(&self, read: impl FnOnce(*const T) -> R) -> R {
            read(self.0.get())
        }
        pub fn with_mut<R>(&self, write: impl FnOnce(*mut T) -> R) -> R {
            write(self.0.get())
        }
    }

    pub fn spawn(work: impl FnOnce() + Send + 'static) -> std::io::Result<JoinHandle<()>> {
        std::thread::Builder::new().name("rnnlm".into()).spawn(work)
    }
}

/// The threads in the job.
const INSIDE: usize = 0xffff;
const OPEN: usize = INSIDE + 1;
const STOP: usize = OPEN << 1;
/// The number of the job counts in these steps, and may wrap.
const NUMBER: usize = STOP << 1;

/// How long a thread looks out before it sleeps: longer than a step's work that isn't split.
const LOOK_OUT: Duration = Duration::from_micros(if cfg!(loom) { 0 } else { 200 });

type Job = &'static (dyn Fn() + Sync);

/// Threads for a model; dropped, they end.
pub struct Pool {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    state: AtomicUsize,
    /// Written by `run` alone, while the job is closed and nobody is in it.
    job: UnsafeCell<Option<Job>>,
    /// Whether there is a `run`, and whom to wake at its end.
    running: AtomicBool,
    caller: Mutex<Option<Thread>>,
}

// SAFETY: `job` is written only by `run` that holds `running`, while the job is closed and nobody is in it; it is read
// by threads that are in it. Between these lie a release and an acquire of `state`. A job may be called anywhere.
unsafe impl Sync for Shared {}

impl Pool {
    /// So many threads, the caller's own among them.
    ///
    /// # Errors
    /// Where the system refuses a thread, or there would be more than 65,535.
    pub fn new(count: usize) -> io::Result<Self> {
        if count > INSIDE {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let shared = Arc::new(Shared {
            state: AtomicUsize::new(0),
            job: UnsafeCell::new(None),
            running: AtomicBool::new(false),
            caller: Mutex::new(None),
        });
        let mut pool = Self { shared, threads: Vec::new() };
        for _ in 1..count {
            let shared = Arc::clone(&pool.shared);
            pool.threads.push(spawn(move || shared.serve())?);
        }
        Ok(pool)
    }

    fn wake(&self) {
        self.threads.iter().for_each(|thread| thread.thread().unpark());
    }
}

impl Workers for Pool {
    fn count(&self) -> usize {
        self.threads.len() + 1
    }

    fn run(&self, job: &(dyn Fn() + Sync)) {
        let shared = &*self.shared;
        // while another job runs, on another thread or around this one, this thread does all
        if self.threads.is_empty() || shared.running.swap(true, Acquire) {
            return job();
        }
        *shared.caller.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(current());
        // the last panic of a thread; others, which may panic when they are dropped, stay where they are
        let panic = Mutex::new(None);
        let caught = || {
            if let Err(new) = panic::catch_unwind(AssertUnwindSafe(job)) {
                let mut last = panic.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
                mem::forget(last.replace(new));
            }
        };
        // SAFETY: `caught` lives until this function returns or unwinds. Before that, `Closing` closes the job, so that
        // no thread goes in any more, and waits until none is inside; outside nobody touches it.
        let lasting = unsafe { mem::transmute::<&(dyn Fn() + Sync), Job>(&caught) };
        // SAFETY: this thread has `running`, and the last `Closing` left the job closed with nobody in it.
        shared.job.with_mut(|job| unsafe { *job = Some(lasting) });
        let number = shared.state.load(Relaxed) & !(NUMBER - 1);
        let closing = Closing(shared);
        shared.state.store(number.wrapping_add(NUMBER) | OPEN, Release);
        self.wake();
        job();
        drop(closing);
        if let Some(panic) = panic.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner()) {
            panic::resume_unwind(panic);
        }
    }
}

/// Dropped, also by a panic, it ends a job.
struct Closing<'s>(&'s Shared);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        let Self(shared) = self;
        shared.state.fetch_and(!OPEN, AcqRel);
        let started = Instant::now();
        while shared.state.load(Acquire) & INSIDE != 0 {
            if started.elapsed() < LOOK_OUT { spin_loop() } else { park() }
        }
        shared.running.store(false, Release);
    }
}

impl Shared {
    /// The life of a thread.
    fn serve(&self) {
        let mut done = 0;
        while let Some(number) = self.enter(done) {
            done = number;
            // SAFETY: inside, so the job is there and `run` doesn't write.
            if let Some(job) = self.job.with(|job| unsafe { *job }) {
                job();
            }
            // from here on the job may be gone
            if self.state.fetch_sub(1, AcqRel) & (INSIDE | OPEN) == 1 {
                let caller = self.caller.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone();
                caller.iter().for_each(Thread::unpark);
            }
        }
    }

    /// Waits for an open job with another number than `done`, and goes in: gives its number. `None` at the end.
    fn enter(&self, done: usize) -> Option<usize> {
        let started = Instant::now();
        loop {
            let state = self.state.load(Acquire);
            if state & STOP != 0 {
                return None;
            }
            let number = state & !(NUMBER - 1);
            if state & OPEN != 0 && number != done {
                if self.state.compare_exchange(state, state + 1, AcqRel, Relaxed).is_ok() {
                    return Some(number);
                }
            } else if started.elapsed() < LOOK_OUT {
                (0..32).for_each(|_| spin_loop());
            } else {
                park();
            }
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.state.fetch_or(STOP, Release);
        self.wake();
        // none of them panics
        self.threads.drain(..).for_each(|thread| drop(thread.join()));
    }
}
