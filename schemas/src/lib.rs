//! Every format that crosses a boundary: kernel records (`record`), Parquet tables (`table`), and what commands print as
//! JSON (`document`).
//! No I/O, no policy. The kernel side builds this crate without `std`, so `record` is `no_std`.
#![cfg_attr(not(any(feature = "table", feature = "document")), no_std)]

#[cfg(feature = "document")]
pub mod document;
pub mod record;
#[cfg(feature = "table")]
pub mod table;
