//! Payload bytes to calls: what a process said to a cloud endpoint, and what it was answered. Pure: no I/O, no clock.
//! A crate of its own, for it is fuzzed and measured without the probes, and `whittle decode` needs no agent.

pub mod aws;
pub mod credentials;
pub mod dns;
pub mod error_code;
mod hidden;
pub mod http1;
pub mod tls_hello;

pub use hidden::Hidden;
