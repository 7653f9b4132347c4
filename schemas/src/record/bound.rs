//! Most entries of the kernel's maps that grow with what workloads do. The probes declare them so; the agent may load
//! them smaller.

/// Processes that are watched at once. One more is counted as lost, with all that it does.
pub const TASKS: u32 = 65_536;

/// Subjects that have an id. The one that was looked up longest ago makes room, and is announced again when it comes back.
pub const SUBJECTS: u32 = 16_384;

/// Scripts that were announced. As with [`SUBJECTS`], the oldest makes room.
pub const SCRIPTS: u32 = 16_384;

/// Keys of each generation of the usage map. Accesses past them go through the ring, repeats too.
pub const USAGES: u32 = 65_536;

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

/// The maps by their names, with these bounds.
pub const ALL: [(&str, u32); 11] = [
    ("TASKS", TASKS),
    ("SUBJECTS", SUBJECTS),
    ("SCRIPTS", SCRIPTS),
    ("USAGE_0", USAGES),
    ("USAGE_1", USAGES),
    ("RING", RING_BYTES),
    ("LOSSES_0", LOSSES),
    ("LOSSES_1", LOSSES),
    ("SOCKETS", SOCKETS),
    ("OBJECTS", OBJECTS),
    ("TLS_CALLS", TLS_CALLS),
];
