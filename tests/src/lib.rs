//! The harness: whittle and another observer on the same run, brought into one form and compared.
//! The tests themselves are in `tests/`, the programs they watch in `peers/`.

pub mod access;
pub mod accounting;
pub mod cloud;
pub mod cloud_server;
pub mod compare;
pub mod left_out;
pub mod payload;
pub mod peer;
pub mod privileged;
pub mod recorded;
pub mod replay;
pub mod strace;
pub mod weather;
pub mod workload;
