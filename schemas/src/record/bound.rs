//! Most entries of the kernel's maps that grow with what workloads do. The probes declare them so; the agent may load
//! them smaller.

/// Processes that are watched at once. One more is counted as lost, with all that it does.
pub const TASKS: u32 = 65_536;

/// Subjects that have an id. The one that was looked up longest ago makes room, and is announced again when it comes back.
pub const SUBJECTS: u32 = 16_384;

/// Scripts that were announced. As with [`SUBJECTS`], the oldest makes room.
pub const SCRIPTS: u32 = 16_384;

/// Places of each generation of the usage map, a power of two. Accesses that find none go through the ring, repeats too.
pub const USAGES: u32 = 131_072;

/// Bytes of the ring: a power of two, at least a page. What finds no room is lost.
pub const RING_BYTES: u32 = 8 << 20;

/// Subjects that lose something in a window, of each family and in each generation. The losses of one more are anybody's.
pub const LOSSES: u32 = 4_096;

/// TCP connections. The oldest makes room: what it carries from then on is not read.
pub const SOCKETS: u32 = 16_384;

/// OpenSSL objects. As with [`SOCKETS`].
pub const OBJECTS: u32 = 16_384;

/// Threads that are inside of a function of OpenSSL. What one more of them says is lost.
pub const TLS_CALLS: u32 = 16_384;

/// Threads that are inside of functions with kprobes. What one more of them asks for is lost.
pub const INSIDE: u32 = 4_096;

/// Workers of `io_uring` that are changing files, each with two paths. What one more of them changes is lost.
pub const CHANGING: u32 = 32;

/// TCP connects that go on without their caller. One more is told of at once, as in progress.
pub const PENDING: u32 = 2_048;

/// TCP sockets that `io_uring` is connecting. The end of one more may count as a second connect.
pub const CONNECTING: u32 = 1_024;

/// The maps by their names, with these bounds.
pub const ALL: [(&str, u32); 14] = [
    ("TASKS", TASKS),
    ("SUBJECTS", SUBJECTS),
    ("SCRIPTS", SCRIPTS),
    ("USAGE", 2 * USAGES),
    ("RING", RING_BYTES),
    ("LOSSES_0", LOSSES),
    ("LOSSES_1", LOSSES),
    ("SOCKETS", SOCKETS),
    ("OBJECTS", OBJECTS),
    ("TLS_CALLS", TLS_CALLS),
    ("INSIDE", INSIDE),
    ("CHANGING", CHANGING),
    ("PENDING", PENDING),
    ("CONNECTING", CONNECTING),
];
