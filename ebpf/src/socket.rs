//! Hook family `socket`: connect, bind, listen, and datagrams sent to an address.
//!
//! Triggers: `sys_exit` of these calls, or `fexit` of their entry functions
//! (`long __x64_sys_*(const struct pt_regs *regs)`, 4.17 on).

use aya_ebpf::{
    helpers::generated::{bpf_probe_read_kernel, bpf_probe_read_user},
    macros::{btf_tracepoint, fexit},
    programs::{BtfTracePointContext, FExitContext},
};
use whittle_schemas::record::{
    Family, KIND_SOCKET,
    counter::Reason,
    socket::{ADDRESS_BYTES, BIND, CONNECT, LISTEN, SEND, SocketBody},
};

use crate::{
    config::{self, offset},
    count, emit,
    hash::mix,
    kernel::{self, read},
    path::{self, Path},
    scratch,
    subject::{self, Sighting},
    syscall::{Call, read_user},
    usage::{self, Generation},
};

const CONNECT_CALL: u64 = 42;
const SENDTO_CALL: u64 = 44;
const SENDMSG_CALL: u64 = 46;
const BIND_CALL: u64 = 49;
const LISTEN_CALL: u64 = 50;
const SENDMMSG_CALL: u64 = 307;

/// By the exit of any system call.
#[btf_tracepoint(function = "sys_exit")]
fn socket_sys_exit(ctx: BtfTracePointContext) -> i32 {
    let call = Call::of(&ctx);
    on_return(call.number(), &call)
}

#[fexit(function = "__x64_sys_connect")]
fn socket_connect(ctx: FExitContext) -> i32 {
    on_return(CONNECT_CALL, &Call::of_entry(&ctx))
}

#[fexit(function = "__x64_sys_bind")]
fn socket_bind(ctx: FExitContext) -> i32 {
    on_return(BIND_CALL, &Call::of_entry(&ctx))
}

#[fexit(function = "__x64_sys_listen")]
fn socket_listen(ctx: FExitContext) -> i32 {
    on_return(LISTEN_CALL, &Call::of_entry(&ctx))
}

#[fexit(function = "__x64_sys_sendto")]
fn socket_sendto(ctx: FExitContext) -> i32 {
    on_return(SENDTO_CALL, &Call::of_entry(&ctx))
}

#[fexit(function = "__x64_sys_sendmsg")]
fn socket_sendmsg(ctx: FExitContext) -> i32 {
    on_return(SENDMSG_CALL, &Call::of_entry(&ctx))
}

#[fexit(function = "__x64_sys_sendmmsg")]
fn socket_sendmmsg(ctx: FExitContext) -> i32 {
    on_return(SENDMMSG_CALL, &Call::of_entry(&ctx))
}

#[inline(always)]
fn is_ours(number: u64) -> bool {
    matches!(
        number,
        CONNECT_CALL | SENDTO_CALL | SENDMSG_CALL | BIND_CALL | LISTEN_CALL | SENDMMSG_CALL
    )
}

/// The same calls of the 32-bit interface, and socketcall, which is all of them.
#[inline(always)]
fn is_ours_32(number: u64) -> bool {
    matches!(number, 102 | 345 | 361 | 362 | 363 | 369 | 370)
}

#[inline(always)]
fn on_return(number: u64, call: &Call) -> i32 {
    if !is_ours(number) && !is_ours_32(number) {
        return 0;
    }
    if subject::watched().is_none() {
        return 0;
    }
    if Call::is_compat() {
        if is_ours_32(number) {
            lost(Reason::Unsupported);
        }
        return 0;
    }
    match number {
        CONNECT_CALL => touch(&Act::of(call, CONNECT, call.argument(1), call.argument(2))),
        BIND_CALL => touch(&Act::of(call, BIND, call.argument(1), call.argument(2))),
        LISTEN_CALL => touch(&Act::of(call, LISTEN, 0, 0)),
        SENDTO_CALL => sent(call),
        SENDMSG_CALL => message(call, call.argument(1)),
        SENDMMSG_CALL => messages(call),
        _ => {}
    }
    0
}

#[inline(always)]
fn lost(reason: Reason) {
    if let Some(sighting) = Sighting::of(Family::Socket) {
        sighting.count(reason);
    }
}

#[inline(always)]
fn sent(call: &Call) {
    let address = call.argument(4);
    if address != 0 {
        touch(&Act::of(call, SEND, address, call.argument(5)));
    }
}

/// One `struct msghdr` of the caller: the address is its first member, its length the second.
#[inline(always)]
fn message(call: &Call, message: u64) {
    let Some(address) = read_user::<u64>(message) else {
        return lost(Reason::ObjectUnknown);
    };
    if address == 0 {
        return;
    }
    let length = read_user::<u32>(message + 8).unwrap_or(0);
    touch(&Act::of(call, SEND, address, u64::from(length)));
}

/// Messages of one sendmmsg that are looked at; the others are counted as lost.
const MESSAGES: u64 = 16;

/// Size of the kernel's `struct mmsghdr`.
const MMSGHDR_BYTES: u64 = 64;

#[inline(always)]
fn messages(call: &Call) {
    // A failed call tells of its first message.
    let sent = if call.result() < 0 {
        1
    } else {
        call.result() as u64
    };
    let mut index = 0;
    while index < MESSAGES {
        if index >= sent {
            return;
        }
        message(call, call.argument(1) + index * MMSGHDR_BYTES);
        index += 1;
    }
    if let Some(rest) = sent.checked_sub(MESSAGES) {
        let generation = Generation::now();
        for reason in [Reason::Seen, Reason::Unsupported] {
            count::up_by(generation, Family::Socket, reason, rest);
        }
    }
}

/// What was done to which socket, with an address in the caller's memory.
struct Act {
    action: u16,
    descriptor: u64,
    address: u64,
    address_bytes: u64,
    errno: i32,
}

impl Act {
    #[inline(always)]
    fn of(call: &Call, action: u16, address: u64, address_bytes: u64) -> Self {
        Self {
            action,
            descriptor: call.argument(0),
            address,
            address_bytes,
            errno: call.errno(),
        }
    }
}

/// An address, zero-padded, as whole words so that it can be hashed and compared.
#[repr(C, align(8))]
struct Address {
    words: [u64; ADDRESS_BYTES / 8],
}

const _: () = assert!(core::mem::offset_of!(SocketBody, address) % 8 == 0);

impl Address {
    /// The address inside of a body, cleared.
    #[inline(always)]
    fn of(body: &mut SocketBody) -> &'static mut Self {
        #[expect(clippy::cast_ptr_alignment, reason = "the assertion above")]
        let place = (&raw mut body.address).cast::<Self>();
        // SAFETY: as many bytes, aligned as the assertion says, in a slot that outlives the program's run of it.
        let address = unsafe { &mut *place };
        address.words = [0; ADDRESS_BYTES / 8];
        address
    }
}

/// What the socket itself is.
#[derive(Clone, Copy)]
pub(crate) struct Socket {
    pub(crate) sock: u64,
    /// Number of its inode.
    pub(crate) inode: u64,
    pub(crate) family: u16,
    pub(crate) kind: u16,
    pub(crate) protocol: u16,
}

#[inline(always)]
fn touch(act: &Act) {
    if let Some(sighting) = Sighting::of(Family::Socket) {
        sighting.ended(touch_by(sighting, act));
    }
}

#[inline(always)]
fn touch_by(sighting: Sighting, act: &Act) -> Result<(), Reason> {
    let subject = subject::of(sighting.task)?;
    let what =
        u64::from(sighting.packed()) | (u64::from(act.action) << 16) | (act.address_bytes << 32);
    let whose = act.descriptor & 0xffff_ffff | (u64::from(act.errno as u32) << 32);
    Reason::or_recorded(touch_socket(what, whose, act.address, subject))
}

/// A global function, which the verifier checks once and not again for each caller and message, with a stack of
/// its own. On 5.10 those take plain numbers only: generation and family, action and the address's length share
/// one, descriptor and errno another.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn touch_socket(what: u64, whose: u64, address: u64, subject: u64) -> u32 {
    let act = Act {
        action: (what >> 16) as u16,
        descriptor: whose & 0xffff_ffff,
        address,
        address_bytes: what >> 32,
        errno: (whose >> 32) as i32,
    };
    Reason::number(try_touch(Sighting::unpacked(what as u32), &act, subject))
}

#[inline(always)]
fn try_touch(sighting: Sighting, act: &Act, subject: u64) -> Result<(), Reason> {
    let socket = socket(act.descriptor);
    let mut key = sighting.key(subject, act.action, act.errno);
    let is_repeat = scratch::with(|scratch, slot| {
        let body = scratch.body::<SocketBody>();
        // The body is put together where it is sent from: with the address on the stack, the chain of calls from
        // sendmmsg to a step of a walk would pass the 512 bytes that there are.
        // SAFETY: the slot is this program's alone, and has room for the body, which is plain integers.
        let body = unsafe { &mut *body };
        let address = Address::of(body);
        let length = match act.action {
            LISTEN => own_address(&socket, address)?,
            _ => given_address(act, address)?,
        };
        key.object = object(&socket, address, length);
        if usage::repeat(sighting.generation, &key) {
            return Ok(true);
        }
        let mut text = path::EMPTY;
        if is_relative_path(address, length)
            && let Some(directory) = Path::working_directory()
        {
            path::walk(slot, directory, &mut text);
        }
        body.header = emit::header(KIND_SOCKET, sighting.generation.flags(), &text);
        body.key = key;
        body.text = text;
        body.family = socket.family;
        body.socket_type = socket.kind;
        body.protocol = socket.protocol;
        body.address_bytes = length as u16;
        emit::send_as_it_is(scratch, &text)?;
        Ok(false)
    })?;
    if !is_repeat {
        usage::begin(sighting.generation, sighting.family, &key);
    }
    Ok(())
}

/// What the descriptor's socket is; all zero where it is none, or is gone.
#[inline(always)]
fn socket(descriptor: u64) -> Socket {
    find_socket(descriptor).unwrap_or(Socket {
        sock: 0,
        inode: 0,
        family: 0,
        kind: 0,
        protocol: 0,
    })
}

/// `S_IFMT` and `S_IFSOCK` of `include/uapi/linux/stat.h`.
const S_IFMT: u16 = 0o170_000;
const S_IFSOCK: u16 = 0o140_000;

/// What a descriptor's socket is; None where it is no socket, or is gone.
#[inline(always)]
pub(crate) fn find_socket(descriptor: u64) -> Option<Socket> {
    let file = kernel::file_of(descriptor).ok()?;
    let inode: u64 = read(file, offset!(file_inode))?;
    let mode: u16 = read(inode, offset!(inode_mode))?;
    if mode & S_IFMT != S_IFSOCK {
        return None;
    }
    let socket: u64 = read(file, offset!(file_private_data))?;
    let sock: u64 = read(socket, offset!(socket_sk))?;
    Some(Socket {
        sock,
        inode: read(inode, offset!(inode_ino))?,
        family: read(sock, offset!(sock_family))?,
        kind: read(socket, offset!(socket_type))?,
        protocol: read(sock, offset!(sock_protocol))?,
    })
}

/// The address that the caller passed: at most [`ADDRESS_BYTES`] of it.
#[inline(always)]
fn given_address(act: &Act, address: &mut Address) -> Result<u32, Reason> {
    let length = bounded(act.address_bytes as u32);
    // SAFETY: `address` has ADDRESS_BYTES bytes.
    let read = unsafe {
        bpf_probe_read_user(
            address.words.as_mut_ptr().cast(),
            length,
            act.address as *const _,
        )
    };
    if read == 0 {
        Ok(length)
    } else {
        Err(Reason::ObjectUnknown)
    }
}

/// At most [`ADDRESS_BYTES`].
#[inline(always)]
fn bounded(length: u32) -> u32 {
    if length > ADDRESS_BYTES as u32 {
        ADDRESS_BYTES as u32
    } else {
        length
    }
}

const AF_UNIX: u16 = 1;
pub(crate) const AF_INET: u16 = 2;
pub(crate) const AF_INET6: u16 = 10;

/// The address that the socket is bound to, in the form of a sockaddr.
#[inline(always)]
fn own_address(socket: &Socket, address: &mut Address) -> Result<u32, Reason> {
    let sock = socket.sock;
    match socket.family {
        AF_INET => {
            let port: u16 = read(sock, offset!(sock_num)).ok_or(Reason::ObjectUnknown)?;
            let ip: u32 = read(sock, offset!(sock_rcv_saddr)).ok_or(Reason::ObjectUnknown)?;
            address.words[0] = inet_head(AF_INET, port) | (u64::from(ip) << 32);
            Ok(16)
        }
        AF_INET6 => {
            let port: u16 = read(sock, offset!(sock_num)).ok_or(Reason::ObjectUnknown)?;
            let ip: [u64; 2] =
                read(sock, offset!(sock_v6_rcv_saddr)).ok_or(Reason::ObjectUnknown)?;
            address.words[0] = inet_head(AF_INET6, port);
            address.words[1] = ip[0];
            address.words[2] = ip[1];
            Ok(28)
        }
        AF_UNIX if offset!(unix_addr) != 0 => {
            unix_address(sock, address).ok_or(Reason::ObjectUnknown)
        }
        family => {
            address.words[0] = u64::from(family);
            Ok(2)
        }
    }
}

/// The first four bytes of an inet address: family, and port in network order.
#[inline(always)]
fn inet_head(family: u16, port: u16) -> u64 {
    u64::from(family) | (u64::from(port.swap_bytes()) << 16)
}

#[inline(always)]
fn unix_address(sock: u64, address: &mut Address) -> Option<u32> {
    let bound: u64 = read(sock, offset!(unix_addr))?;
    if bound == 0 {
        address.words[0] = u64::from(AF_UNIX);
        return Some(2);
    }
    let length: u32 = read(bound, offset!(unix_address_len))?;
    let length = bounded(length);
    let name = bound + offset!(unix_address_name) as u64;
    // SAFETY: `address` has ADDRESS_BYTES bytes.
    let read = unsafe {
        bpf_probe_read_kernel(address.words.as_mut_ptr().cast(), length, name as *const _)
    };
    (read == 0).then_some(length)
}

/// What tells two addresses apart. Clears what is no part of an inet address.
#[inline(always)]
fn object(socket: &Socket, address: &mut Address, length: u32) -> [u64; 4] {
    let kind = (u64::from(socket.kind) << 16)
        | u64::from(socket.protocol)
        | (u64::from(socket.family) << 32);
    match address.words[0] as u16 {
        AF_INET => {
            // The rest is padding that callers leave as it was.
            address.words[1] = 0;
            [address.words[0], kind, 0, 0]
        }
        AF_INET6 => [
            address.words[0],
            address.words[1],
            address.words[2],
            kind | (address.words[3] << 48),
        ],
        _ => {
            let mut one = config::hash_seed() ^ u64::from(length);
            let mut two = config::hash_seed().rotate_left(32);
            let mut index = 0;
            while index < ADDRESS_BYTES / 8 {
                one = mix(one ^ address.words[index], 0xff51_afd7_ed55_8ccd);
                two = mix(
                    two.wrapping_add(address.words[index]),
                    0xc4ce_b9fe_1a85_ec53,
                )
                .rotate_left(27);
                index += 1;
            }
            [one, two, kind, directory_identity(address, length)]
        }
    }
}

/// The directory that a relative Unix path starts from; 0 for all else.
#[inline(always)]
fn directory_identity(address: &Address, length: u32) -> u64 {
    if !is_relative_path(address, length) {
        return 0;
    }
    Path::working_directory()
        .and_then(path::identity)
        .unwrap_or(0)
}

/// Whether this is a Unix socket by a path that is relative: neither abstract nor unnamed.
#[inline(always)]
fn is_relative_path(address: &Address, length: u32) -> bool {
    let family = address.words[0] as u16;
    let first = (address.words[0] >> 16) as u8;
    family == AF_UNIX && length > 2 && first != 0 && first != b'/'
}
