//! Nothing: a package must have something, and this one is for its tests.
