//! What an analyst does with recorded usage: read it (`data`), report it (`report`), query it (`query`).

pub mod data;
pub mod doctor;
pub mod evidence;
pub mod format;
pub mod lines;
pub mod policy;
pub mod query;
pub mod record;
pub mod report;
