//! Everything that touches BPF: what the host can do (`support`, `preemption`), what follows from it (`plan`), doing it
//! (`loader`, `attach` with `stand_in`), and reading what the probes report (`ring`, `drain` with `mapped` and `grace`, `pending`, `counters`,
//! `misses`, `losses`, `remembered`, with `batch`). `offsets` finds the members of the kernel's structs, with `btf`, and `relocate`
//! writes them into the probes; `limits` says how large maps are, `memory` gives back what the start took, `detach` takes the probes off, and
//! `sys` makes the calls that aya does not. The only user of aya.

mod attach;
mod batch;
mod btf;
mod counters;
mod detach;
mod drain;
mod grace;
mod hooks;
mod limits;
mod loader;
mod losses;
mod lsm;
mod mapped;
mod memory;
mod misses;
mod offsets;
mod openssl;
mod pending;
mod plan;
mod preemption;
mod relocate;
mod remembered;
mod ring;
mod stand_in;
mod support;
mod symbols;
mod sys;
mod tasks;

pub use counters::{Counts, CpuCounts};
pub use limits::Limits;
pub use loader::{Attached, KernelError, Probes, Scope, load};
pub use losses::Loss;
pub use memory::give_back;
pub use openssl::{OpensslFile, OpensslUse};
pub use plan::{Backend, FamilyPlan, Plan, Wanted};
pub use relocate::RelocateError;
pub use remembered::Remembered;
pub use ring::WokenBy;
pub use support::{Facts, facts};
