//! Development tasks, one file or folder per command; `main.rs` only reads the command line.
//! What they share: where things are (`places`), how commands are run (`command`), the nightly
//! toolchain (`toolchain`) and packages taken from Debian without installing them (`apt`).

pub mod apt;
pub mod bench;
pub mod cloud;
pub mod command;
pub mod demo;
pub mod ebpf;
pub mod fuzz;
pub mod generate;
pub mod places;
pub mod setup;
pub mod test;
pub mod toolchain;
pub mod vm;
