//! The agent: from records in the kernel to rows in Parquet.
//!
//! Stages, each its own module that sees `model` and `schemas` and no other stage: `kernel` (probes),
//! `decode` (bytes to events), `conversation` (bytes on connections to calls), `identity` (events to subjects), `window`
//! (what they touched and called to usage), `sink` (spool and Parquet). `pipeline` wires them.

pub mod clock;
pub mod conversation;
pub mod decode;
pub mod identity;
pub mod kernel;
pub mod model;
pub mod pipeline;
pub mod sink;
pub mod window;
