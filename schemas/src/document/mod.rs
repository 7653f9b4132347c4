//! What commands print as JSON, as serde types: `report` is `whittle report --grants --format json`, `recommendation` and
//! `replay` are those of the commands of these names. Tables are in `table`.
//! The published JSON Schemas are made of these types; a test of the advisor holds them to it.

pub mod recommendation;
pub mod replay;
pub mod report;

pub use recommendation::Recommendation;
pub use replay::Replay;
pub use report::Report;
