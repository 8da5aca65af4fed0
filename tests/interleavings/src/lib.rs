//! The pool of threads in every order in which its threads can come: `examples/shared/pool.rs` over the atomics of
//! Loom, which tries all interleavings that the memory model allows, and fails on a race, a deadlock, a lost wake-up.
//!
//! ```sh
//! RUSTFLAGS="--cfg loom" cargo test --release --manifest-path tests/interleavings/Cargo.toml
//! ```
#![cfg(all(loom, test))]

#[path = "../../../examples/shared/pool.rs"]
mod pool;

/// What the pool is made of, as Loom has it. Loom's own `unpark` fails where a thread waits for another reason, so
/// threads are parked by a lock and a condition here.
mod sync {
    use std::cell::RefCell;

    use loom::sync::Condvar;
    pub use loom::{
        cell::UnsafeCell,
        hint::spin_loop,
        sync::{
            Arc, Mutex,
            atomic::{AtomicBool, AtomicUsize, Ordering},
        },
    };

    /// Whether it may go on.
    #[derive(Clone)]
    pub struct Thread(Arc<(Mutex<bool>, Condvar)>);

    loom::thread_local! {
        static CURRENT: RefCell<Option<Thread>> = RefCell::new(None);
    }

    impl Thread {
        fn new() -> Self {
            Self(Arc::new((Mutex::new(false), Condvar::new())))
        }

        pub fn unpark(&self) {
            *self.0.0.lock().unwrap() = true;
            self.0.1.notify_one();
        }
    }

    pub fn current() -> Thread {
        CURRENT.with(|current| current.borrow_mut().get_or_insert_with(Thread::new).clone())
    }

    pub fn park() {
        let Thread(thread) = current();
        let mut may_go = thread.0.lock().unwrap();
        while !*may_go {
            may_go = thread.1.wait(may_go).unwrap();
        }
        *may_go = false;
    }

    pub struct JoinHandle<T>(loom::thread::JoinHandle<T>, Thread);

    impl<T> JoinHandle<T> {
        pub fn thread(&self) -> &Thread {
            &self.1
        }

        pub fn join(self) -> std::thread::Result<T> {
            self.0.join()
        }
    }

    pub fn spawn(work: impl FnOnce() + Send + 'static) -> std::io::Result<JoinHandle<()>> {
        let thread = Thread::new();
        let own = thread.clone();
        let handle = loom::thread::spawn(move || {
            CURRENT.with(|current| current.replace(Some(own)));
            work();
        });
        Ok(JoinHandle(handle, thread))
    }
}

use loom::{model::Builder, sync::atomic::AtomicUsize};
use pool::Pool;
use rnnlm::Workers;
use sync::{Ordering::Relaxed, UnsafeCell};

/// A job that deals numbers as the library does, each of which stands for what one caller alone may write.
fn job(pool: &Pool, parts: usize) {
    let next = AtomicUsize::new(0);
    let written: Vec<_> = (0..parts).map(|_| UnsafeCell::new(0)).collect();
    let cells = Cells(&written);
    let work = || {
        let cells = &cells;
        while let Ok(part) = next.fetch_update(Relaxed, Relaxed, |part| (part < parts).then_some(part + 1)) {
            // SAFETY: each number is dealt once.
            cells.0[part].with_mut(|cell| unsafe { *cell += 1 });
        }
    };
    pool.run(&work);
    // read without any synchronisation but the pool's
    // SAFETY: the job has ended.
    assert!(written.iter().all(|cell| cell.with(|cell| unsafe { *cell }) == 1));
}

struct Cells<'c>(&'c [UnsafeCell<usize>]);

// SAFETY: Loom looks whether two threads are at a cell at the same time.
unsafe impl Sync for Cells<'_> {}

/// Tries all orders, or those in which threads are interrupted at most so many times.
fn check(bound: Option<usize>, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = bound;
    builder.check(model);
}

#[test]
fn two_jobs_on_two_threads() {
    check(Some(3), || {
        let pool = Pool::new(2).unwrap();
        job(&pool, 2);
        job(&pool, 1);
    });
}

#[test]
fn a_job_on_three_threads() {
    check(Some(2), || job(&Pool::new(3).unwrap(), 2));
}

#[test]
fn three_jobs_on_two_threads() {
    check(Some(2), || {
        let pool = Pool::new(2).unwrap();
        (0..3).for_each(|_| job(&pool, 1));
    });
}

#[test]
fn a_pool_without_a_job() {
    check(None, || drop(Pool::new(3)));
}
