//! What an analyst does with recorded usage: read it (`data`), report it (`report`), query it (`query`), write smaller
//! permissions from it (`history`, `recommend`) and try them on it (`replay`).

pub mod command;
pub mod data;
pub mod decode;
pub mod doctor;
pub mod evidence;
pub mod format;
pub mod history;
pub mod lines;
pub mod policy;
pub mod query;
pub mod recommend;
pub mod record;
pub mod replay;
pub mod report;
