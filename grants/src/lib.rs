//! Policy languages: one module each, from a document to grants, and the evaluator that says what they allow. Pure: no I/O,
//! no clock. A crate of its own, for it is fuzzed and measured without the tables.

pub mod aws;
