//! Promise: the runs that `card` prints and the page compares end with the hash that they say.
#![cfg(feature = "alloc")]

use rnnlm::Isa;

#[path = "../../examples/shared/runs.rs"]
mod published;

use published::{RUNS, Running, hash};

#[test]
fn the_published_runs_end_with_their_hash() {
    for run in &RUNS {
        let mut running = Running::new(run, Isa::detect()).unwrap();
        let first = running.step().unwrap();
        let last = (1..run.steps).fold(first, |_, _| running.step().unwrap());
        assert!(last < first, "{}: it learns nothing", run.name);
        assert_eq!(hash(&running.model), run.hash, "{}", run.name);
    }
}
