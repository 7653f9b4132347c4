//! Every map, with its bound. The agent shrinks or grows `max_entries` before load.

use aya_ebpf::{
    macros::map,
    maps::{Array, HashMap, LruHashMap, PerCpuArray, ProgramArray, RingBuf},
};
use whittle_schemas::record::{
    bound,
    capability::UNAUDITED_RANGES,
    counter::COUNTERS,
    exit,
    loss::LossKey,
    process::{INTERPRETER_NAME_BYTES, Interpreter, Task},
    socket::SocketBody,
    stand_in::{COUNTED, SLOTS, THREADS_OF_ENTRY},
    subject::SubjectKey,
    usage::{Tick, UsageSlot},
    wake::Wake,
};

use crate::{
    change_uring::Changing,
    connection::ObjectKey,
    function::ARGUMENTS,
    known::{self, Known},
    scratch::Scratch,
    stream::Stream,
    subject::SubjectId,
    tls::TlsCall,
};

/// Watched processes by tgid. An entry lives from fork (or the agent's choice) to the last thread's exit.
#[map]
pub(crate) static TASKS: HashMap<u32, Task> = HashMap::with_max_entries(bound::TASKS, 0);

/// Subjects of processes, a second time, where they are found quickest: see `known`.
#[map]
pub(crate) static KNOWN: Array<Known> = Array::with_max_entries(known::PLACES, 0);

/// How often the agent has chosen a process to watch.
#[map]
pub(crate) static CHOICES: Array<u64> = Array::with_max_entries(1, 0);

/// Kernel subjects and their ids. The oldest makes room when there are more: it is announced again, with another id, when it
/// comes back, while its processes keep the id that they have.
#[map]
pub(crate) static SUBJECTS: LruHashMap<SubjectKey, SubjectId> =
    LruHashMap::with_max_entries(bound::SUBJECTS, 0);

/// Executables that run scripts, by file name.
#[map]
pub(crate) static INTERPRETERS: HashMap<[u8; INTERPRETER_NAME_BYTES], Interpreter> =
    HashMap::with_max_entries(256, 0);

/// Scripts that were announced, by their hash. The oldest makes room, and is announced again when it comes back.
#[map]
pub(crate) static SCRIPTS: LruHashMap<u64, u32> = LruHashMap::with_max_entries(bound::SCRIPTS, 0);

/// Repeats per key, of both generations: see `usage`. The agent maps it into its memory.
#[map]
pub(crate) static USAGE: Array<UsageSlot> =
    Array::with_max_entries(2 * bound::USAGES, BPF_F_MMAPABLE);

/// `BPF_F_MMAPABLE` of `include/uapi/linux/bpf.h`, since 5.5.
const BPF_F_MMAPABLE: u32 = 1 << 10;

/// Whose losses were, first generation.
#[map]
pub(crate) static LOSSES_0: HashMap<LossKey, u64> = HashMap::with_max_entries(bound::LOSSES, 0);

/// Whose losses were, second generation.
#[map]
pub(crate) static LOSSES_1: HashMap<LossKey, u64> = HashMap::with_max_entries(bound::LOSSES, 0);

/// Which generation counts now: 0 or 1. The agent swaps it each window.
#[map]
pub(crate) static GENERATION: Array<u32> = Array::with_max_entries(1, 0);

/// When a record was made last.
#[map]
pub(crate) static TICK: Array<Tick> = Array::with_max_entries(1, 0);

/// First sights: records of `whittle_schemas::record`.
#[map]
pub(crate) static RING: RingBuf = RingBuf::with_byte_size(bound::RING_BYTES, 0);

/// What wakes the agent now: see `wake`.
#[map]
pub(crate) static WAKE: Array<Wake> = Array::with_max_entries(1, BPF_F_MMAPABLE);

/// Programs that several hooks enter: see `entry`.
#[map]
pub(crate) static ENTERED: ProgramArray = ProgramArray::with_max_entries(1, 0);

/// Programs that the exit of a system call leads to: see `exit`. Not in [`ENTERED`], whose programs are of another type.
#[map]
pub(crate) static EXITS: ProgramArray = ProgramArray::with_max_entries(exit::PLACES, 0);

/// No programs, of the type that probes of functions have: see `own_stack`.
#[map]
pub(crate) static NOWHERE: ProgramArray = ProgramArray::with_max_entries(1, 0);

/// Arguments of kernel functions that threads are inside of, where kprobes tell of them: see `function`.
#[map]
pub(crate) static INSIDE: HashMap<u64, [u64; ARGUMENTS]> =
    HashMap::with_max_entries(bound::INSIDE, 0);

/// What workers of `io_uring` are changing: as many as can be at it at once.
#[map]
pub(crate) static CHANGING: HashMap<u64, Changing> = HashMap::with_max_entries(bound::CHANGING, 0);

/// TCP connects that go on without their caller, by their `struct sock`: each as the record that it will be.
#[map]
pub(crate) static PENDING: HashMap<u64, SocketBody> = HashMap::with_max_entries(bound::PENDING, 0);

/// TCP sockets that `io_uring` is connecting, with the numbers of their inodes. Those that it gave up make room in time.
#[map]
pub(crate) static CONNECTING: LruHashMap<u64, u64> =
    LruHashMap::with_max_entries(bound::CONNECTING, 0);

/// What the probes count about themselves.
#[map]
pub(crate) static COUNTS: PerCpuArray<u64> = PerCpuArray::with_max_entries(COUNTERS, 0);

/// By thread, the last program with stand-ins that it was in: see `stand_in`. The agent gives it an entry for eight threads each.
#[map]
pub(crate) static TAKEN: Array<[u8; THREADS_OF_ENTRY as usize]> = Array::with_max_entries(1, 0);

/// How often a stand-in took a call: by family, and behind them at the exit of system calls, which is all families'.
#[map]
pub(crate) static STOOD_IN: PerCpuArray<u64> = PerCpuArray::with_max_entries(COUNTED as u32, 0);

/// First and last address of the functions that check a capability and ask not to be audited; the agent reads them
/// from the kernel's symbols. Unused entries are zero.
#[map]
pub(crate) static UNAUDITED: Array<[[u64; 2]; UNAUDITED_RANGES]> = Array::with_max_entries(1, 0);

/// Memory in which records are put together. The agent makes it smaller where probes are not preempted.
#[map]
pub(crate) static SCRATCH: PerCpuArray<Scratch> = PerCpuArray::with_max_entries(SLOTS, 0);

/// TCP connections by their `struct sock`. Entries go when the kernel destroys the socket. The oldest makes room when
/// there are more: what it carries from then on counts as a connection that is older than its entry.
#[map]
pub(crate) static SOCKETS: LruHashMap<u64, Stream> =
    LruHashMap::with_max_entries(bound::SOCKETS, 0);

/// OpenSSL objects. Programs that end without freeing them leave theirs behind, so that the oldest has to make room.
#[map]
pub(crate) static OBJECTS: LruHashMap<ObjectKey, Stream> =
    LruHashMap::with_max_entries(bound::OBJECTS, 0);

/// Threads that are inside of a function of OpenSSL.
#[map]
pub(crate) static TLS_CALLS: HashMap<u64, TlsCall> = HashMap::with_max_entries(bound::TLS_CALLS, 0);
