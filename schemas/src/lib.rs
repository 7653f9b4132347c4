//! Every format that crosses a boundary: kernel records (`record`) and Parquet tables (`table`).
//! No I/O, no policy. The kernel side builds this crate without `std`, so `record` is `no_std`.
#![cfg_attr(not(feature = "table"), no_std)]

pub mod record;
#[cfg(feature = "table")]
pub mod table;
