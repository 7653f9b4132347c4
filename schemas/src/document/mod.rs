//! What commands print as JSON, as serde types: `report` is `whittle report --grants --format json`. Tables are in `table`.
//! The published JSON Schemas are made of these types; a test of the advisor holds them to it.

pub mod report;

pub use report::Report;
