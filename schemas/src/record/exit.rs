//! Programs that the exit of a system call leads to: their places in the map `EXITS`. Those that a call concerns are entered
//! in this order.

/// Opens.
pub const OPEN: u32 = 0;
/// Changes of files.
pub const CHANGE: u32 = 1;
/// Refused execs.
pub const EXEC: u32 = 2;
/// Privileged acts.
pub const PRIVILEGE: u32 = 3;
/// Acts on sockets.
pub const SOCKET: u32 = 4;
/// Bytes that are moved. The last one: its calls are the most frequent, and behind it nothing is looked for.
pub const PAYLOAD: u32 = 5;

/// How many there are.
pub const PLACES: u32 = 6;
