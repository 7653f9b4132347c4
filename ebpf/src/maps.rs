//! Every map, with its bound. The agent shrinks or grows `max_entries` before load.

use aya_ebpf::{
    macros::map,
    maps::{Array, HashMap, LruHashMap, PerCpuArray, ProgramArray, RingBuf},
};
use whittle_schemas::record::{
    counter::COUNTERS,
    process::{INTERPRETER_NAME_BYTES, Interpreter, Task},
    subject::SubjectKey,
    usage::{UsageKey, UsageValue},
};

use crate::{
    connection::ObjectKey,
    scratch::{SLOTS, Scratch},
    stream::Stream,
    tls::TlsCall,
};

/// Watched processes by tgid. An entry lives from fork (or the agent's choice) to the last thread's exit.
#[map]
pub(crate) static TASKS: HashMap<u32, Task> = HashMap::with_max_entries(65_536, 0);

/// Kernel subjects and their ids.
#[map]
pub(crate) static SUBJECTS: HashMap<SubjectKey, u64> = HashMap::with_max_entries(16_384, 0);

/// Executables that run scripts, by file name.
#[map]
pub(crate) static INTERPRETERS: HashMap<[u8; INTERPRETER_NAME_BYTES], Interpreter> =
    HashMap::with_max_entries(256, 0);

/// Scripts that were announced, by their hash.
#[map]
pub(crate) static SCRIPTS: HashMap<u64, u32> = HashMap::with_max_entries(16_384, 0);

/// Repeats per key, first generation.
#[map]
pub(crate) static USAGE_0: HashMap<UsageKey, UsageValue> = HashMap::with_max_entries(65_536, 0);

/// Repeats per key, second generation.
#[map]
pub(crate) static USAGE_1: HashMap<UsageKey, UsageValue> = HashMap::with_max_entries(65_536, 0);

/// Which generation counts now: 0 or 1. The agent swaps it each window.
#[map]
pub(crate) static GENERATION: Array<u32> = Array::with_max_entries(1, 0);

/// First sights: records of `whittle_schemas::record`.
#[map]
pub(crate) static RING: RingBuf = RingBuf::with_byte_size(8 << 20, 0);

/// Programs that several hooks enter: see `entry`.
#[map]
pub(crate) static ENTERED: ProgramArray = ProgramArray::with_max_entries(1, 0);

/// What the probes count about themselves.
#[map]
pub(crate) static COUNTS: PerCpuArray<u64> = PerCpuArray::with_max_entries(COUNTERS, 0);

/// Memory in which records are put together.
#[map]
pub(crate) static SCRATCH: PerCpuArray<Scratch> = PerCpuArray::with_max_entries(SLOTS, 0);

/// Slots of [`SCRATCH`] that are in use: `cpu * SLOTS + slot`.
#[map]
pub(crate) static CLAIMS: HashMap<u32, u32> = HashMap::with_max_entries(4_096, 0);

/// TCP connections by their `struct sock`. Entries go when the kernel destroys the socket. The oldest makes room when
/// there are more: what it carries from then on counts as a connection that is older than its entry.
#[map]
pub(crate) static SOCKETS: LruHashMap<u64, Stream> = LruHashMap::with_max_entries(16_384, 0);

/// OpenSSL objects. Programs that end without freeing them leave theirs behind, so that the oldest has to make room.
#[map]
pub(crate) static OBJECTS: LruHashMap<ObjectKey, Stream> = LruHashMap::with_max_entries(16_384, 0);

/// Threads that are inside of a function of OpenSSL.
#[map]
pub(crate) static TLS_CALLS: HashMap<u64, TlsCall> = HashMap::with_max_entries(16_384, 0);
