//! Hook family `socket`: connect, bind, listen, accept, and datagrams sent to an address.
//!
//! How a connect ended that goes on without its caller is in `connect`.
//! Triggers: `sys_exit` of these calls, or `fexit` of their entry functions
//! (`long __x64_sys_*(const struct pt_regs *regs)`, 4.17 on). What `io_uring` does is in `socket_uring`.

use aya_ebpf::{
    helpers::generated::{bpf_probe_read_kernel, bpf_probe_read_user},
    macros::{btf_tracepoint, fexit},
    programs::{BtfTracePointContext, FExitContext},
};
use whittle_schemas::record::{
    Family, KIND_SOCKET,
    counter::Reason,
    exit::SOCKET,
    process::Task,
    socket::{ACCEPT, BIND, CONNECT, LISTEN, SEND, SocketBody},
};

use crate::{
    address::{
        Address, NO_SOCKET, add_peer, bounded, find_socket, is_relative_path, object, of_file,
        own_address,
    },
    connect::{self, EINPROGRESS, GOES_ON},
    count, emit, exit,
    path::{self, Path},
    scratch,
    sighting::Sighting,
    stand_in, subject,
    syscall::{Call, read_user_into, read_user_or_zero},
    usage::{self, Generation},
    wake::Urgency,
};

const CONNECT_CALL: u64 = 42;
const ACCEPT_CALL: u64 = 43;
const SENDTO_CALL: u64 = 44;
const SENDMSG_CALL: u64 = 46;
const BIND_CALL: u64 = 49;
const LISTEN_CALL: u64 = 50;
const ACCEPT4_CALL: u64 = 288;
const SENDMMSG_CALL: u64 = 307;

/// What the exit of these calls leads to.
#[btf_tracepoint(function = "sys_exit")]
fn socket_sys_exit(ctx: BtfTracePointContext) -> i32 {
    let call = Call::of(&ctx);
    on_return(call.number(), &call);
    exit::go_on::<SOCKET>(&ctx)
}

#[fexit(function = "__x64_sys_connect")]
fn socket_connect(ctx: FExitContext) -> i32 {
    if stand_in::is_taken(&ctx, Family::Socket) {
        return 0;
    }
    on_return(CONNECT_CALL, &Call::of_entry(&ctx))
}

#[fexit(function = "__x64_sys_bind")]
fn socket_bind(ctx: FExitContext) -> i32 {
    if stand_in::is_taken(&ctx, Family::Socket) {
        return 0;
    }
    on_return(BIND_CALL, &Call::of_entry(&ctx))
}

#[fexit(function = "__x64_sys_listen")]
fn socket_listen(ctx: FExitContext) -> i32 {
    if stand_in::is_taken(&ctx, Family::Socket) {
        return 0;
    }
    on_return(LISTEN_CALL, &Call::of_entry(&ctx))
}

#[fexit(function = "__x64_sys_accept")]
fn socket_accept(ctx: FExitContext) -> i32 {
    if stand_in::is_taken(&ctx, Family::Socket) {
        return 0;
    }
    on_return(ACCEPT_CALL, &Call::of_entry(&ctx))
}

#[fexit(function = "__x64_sys_accept4")]
fn socket_accept4(ctx: FExitContext) -> i32 {
    if stand_in::is_taken(&ctx, Family::Socket) {
        return 0;
    }
    on_return(ACCEPT4_CALL, &Call::of_entry(&ctx))
}

#[fexit(function = "__x64_sys_sendto")]
fn socket_sendto(ctx: FExitContext) -> i32 {
    if stand_in::is_taken(&ctx, Family::Socket) {
        return 0;
    }
    on_return(SENDTO_CALL, &Call::of_entry(&ctx))
}

#[fexit(function = "__x64_sys_sendmsg")]
fn socket_sendmsg(ctx: FExitContext) -> i32 {
    if stand_in::is_taken(&ctx, Family::Socket) {
        return 0;
    }
    on_return(SENDMSG_CALL, &Call::of_entry(&ctx))
}

#[fexit(function = "__x64_sys_sendmmsg")]
fn socket_sendmmsg(ctx: FExitContext) -> i32 {
    if stand_in::is_taken(&ctx, Family::Socket) {
        return 0;
    }
    on_return(SENDMMSG_CALL, &Call::of_entry(&ctx))
}

#[inline(always)]
pub(crate) const fn is_ours(number: u64) -> bool {
    matches!(
        number,
        CONNECT_CALL
            | ACCEPT_CALL
            | SENDTO_CALL
            | SENDMSG_CALL
            | BIND_CALL
            | LISTEN_CALL
            | ACCEPT4_CALL
            | SENDMMSG_CALL
    )
}

/// The same calls of the 32-bit interface, and socketcall, which is all of them.
#[inline(always)]
pub(crate) const fn is_ours_32(number: u64) -> bool {
    matches!(number, 102 | 345 | 361..=364 | 369 | 370)
}

#[inline(always)]
fn on_return(number: u64, call: &Call) -> i32 {
    let Some(task) = subject::watched() else {
        return 0;
    };
    if Call::is_compat() {
        Sighting::by(task, Family::Socket).ended(Err(Reason::Unsupported));
        return 0;
    }
    let (address, address_bytes) = (call.argument(1), call.argument(2));
    match number {
        CONNECT_CALL => touch(task, &Act::of(call, CONNECT, address, address_bytes)),
        BIND_CALL => touch(task, &Act::of(call, BIND, address, address_bytes)),
        LISTEN_CALL => touch(task, &Act::of(call, LISTEN, 0, 0)),
        ACCEPT_CALL | ACCEPT4_CALL => accepted(task, call),
        SENDTO_CALL => sent(task, call),
        SENDMSG_CALL => {
            touch_message(call.argument(0), call.argument(1), call.errno() as u32);
        }
        SENDMMSG_CALL => messages(call),
        _ => {}
    }
    0
}

/// Without a connection there was nobody to let in.
#[inline(always)]
fn accepted(task: *mut Task, call: &Call) {
    if call.result() >= 0 {
        let act = Act {
            action: ACCEPT,
            of: Of::Descriptor(call.result() as u64),
            address: 0,
            address_bytes: 0,
            errno: 0,
        };
        touch(task, &act);
    }
}

#[inline(always)]
fn sent(task: *mut Task, call: &Call) {
    let address = call.argument(4);
    if address != 0 {
        touch(task, &Act::of(call, SEND, address, call.argument(5)));
    }
}

/// One `struct msghdr` of the caller: the address is its first member, its length the second. A global function, which the verifier checks
/// once and not again for each message.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn touch_message(descriptor: u64, message: u64, errno: u32) -> u32 {
    if let Some(task) = subject::watched() {
        sent_message(task, descriptor, message, errno as i32);
    }
    0
}

#[inline(always)]
fn sent_message(task: *mut Task, descriptor: u64, message: u64, errno: i32) {
    let mut address = 0;
    if !read_user_into::<u64>(message, &mut address) {
        let sighting = Sighting::by(task, Family::Socket);
        return sighting.ended(Err(Reason::ObjectUnknown));
    }
    if address == 0 {
        return;
    }
    let length = read_user_or_zero::<u32>(message + 8);
    let act = Act {
        action: SEND,
        of: Of::Descriptor(descriptor),
        address,
        address_bytes: u64::from(length),
        errno,
    };
    touch(task, &act);
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
        let message = call.argument(1) + index * MMSGHDR_BYTES;
        touch_message(call.argument(0), message, call.errno() as u32);
        index += 1;
    }
    if let Some(rest) = sent.checked_sub(MESSAGES) {
        let generation = Generation::now();
        for reason in [Reason::Seen, Reason::Unsupported] {
            count::up_by(generation, Family::Socket, reason, rest);
        }
    }
}

/// What was done to which socket, and with which address.
pub(crate) struct Act {
    pub(crate) action: u16,
    pub(crate) of: Of,
    pub(crate) address: u64,
    pub(crate) address_bytes: u64,
    pub(crate) errno: i32,
}

/// Which socket it was, and so where the address is.
#[derive(Clone, Copy)]
pub(crate) enum Of {
    /// That of a descriptor, with an address in the caller's memory.
    Descriptor(u64),
    /// That of a `struct file`, with an address in the kernel's memory.
    File(u64),
}

impl Act {
    #[inline(always)]
    fn of(call: &Call, action: u16, address: u64, address_bytes: u64) -> Self {
        Self {
            action,
            of: Of::Descriptor(call.argument(0)),
            address,
            address_bytes,
            errno: call.errno(),
        }
    }

    /// All but the address, as one global function passes it to another: in the first number's upper three quarters action, length,
    /// errno and whose; in the second the descriptor or the file.
    #[inline(always)]
    fn packed(&self) -> (u64, u64) {
        let (number, is_file) = match self.of {
            Of::Descriptor(number) => (number, 0),
            Of::File(file) => (file, BY_FILE),
        };
        let what = (u64::from(self.action) << 16)
            | (u64::from(bounded(self.address_bytes as u32)) << 32)
            | (u64::from(self.errno as u32 & 0x7fff) << 40)
            | is_file;
        (what, number)
    }

    #[inline(always)]
    fn unpacked(what: u64, number: u64, address: u64) -> Self {
        Self {
            action: (what >> 16) as u16,
            of: if what & BY_FILE == 0 {
                Of::Descriptor(number & 0xffff_ffff)
            } else {
                Of::File(number)
            },
            address,
            address_bytes: (what >> 32) & 0xff,
            errno: (what >> 40) as i32 & 0x7fff,
        }
    }
}

/// In what [`Act::packed`] gives: the socket is that of a `struct file`.
const BY_FILE: u64 = 1 << 63;

/// Tells of an act of a watched process.
#[inline(always)]
pub(crate) fn touch(task: *mut Task, act: &Act) {
    let sighting = Sighting::by(task, Family::Socket);
    sighting.ended(touch_by(sighting, act));
}

#[inline(always)]
fn touch_by(sighting: Sighting, act: &Act) -> Result<(), Reason> {
    let subject = subject::of(sighting.task)?;
    let (what, number) = act.packed();
    let what = what | u64::from(sighting.packed());
    Reason::or_recorded(touch_socket(what, number, act.address, subject))
}

/// A global function, which the verifier checks once and not again for each caller and message, with a stack of
/// its own. On 5.10 those take plain numbers only: generation and family, action, the address's length and errno share one.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn touch_socket(what: u64, number: u64, address: u64, subject: u64) -> u32 {
    let act = Act::unpacked(what, number, address);
    Reason::number(try_touch(Sighting::unpacked(what as u32), &act, subject))
}

#[inline(always)]
fn try_touch(sighting: Sighting, act: &Act, subject: u64) -> Result<(), Reason> {
    scratch::with(|scratch, slot| {
        // The body is put together where it is sent from: with the address on the stack, the chain of calls from
        // sendmmsg to a step of a walk would pass the 512 bytes that there are.
        let (what, number) = act.packed();
        let what = what | u64::from(sighting.packed());
        Reason::or_recorded(describe_socket(slot, what, number, act.address, subject))?;
        // SAFETY: the slot is this program's alone, and has room for the body, which is plain integers.
        let body = unsafe { &mut *scratch.body::<SocketBody>() };
        if act.errno == EINPROGRESS {
            let errno = connect::outcome(slot);
            if errno == GOES_ON {
                // It counts when it is told: this takes one off.
                sighting.count_by(Reason::Seen, u64::MAX);
                return Ok(());
            }
            usage::set_errno(&mut body.key, errno as i32);
        }
        let key = body.key;
        if usage::repeat(sighting.generation, key.id) {
            return Ok(());
        }
        let mut text = path::EMPTY;
        if is_relative_path(Address::of(body), u32::from(body.address_bytes))
            && let Some(directory) = Path::working_directory()
        {
            path::walk(slot, directory, &mut text);
        }
        body.header = emit::header::<SocketBody>(KIND_SOCKET, sighting.generation.flags(), &text);
        body.text = text;
        emit::send_as_it_is::<SocketBody>(scratch, &text, Urgency::Later)?;
        usage::begin(sighting.generation, sighting.family, key.id);
        Ok(())
    })
}

/// Finds out which socket and address an act is about, and puts that into the body in the slot. A global function, so that the
/// verifier need not follow what comes after for each way in which something may not be there.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn describe_socket(
    slot: u32,
    what: u64,
    number: u64,
    address: u64,
    subject: u64,
) -> u32 {
    let Some(scratch) = scratch::of(slot) else {
        return Reason::Nested as u32;
    };
    // SAFETY: as in `try_touch`.
    let body = unsafe { &mut *scratch.body::<SocketBody>() };
    let sighting = Sighting::unpacked(what as u32);
    Reason::number(describe(
        body,
        &Act::unpacked(what, number, address),
        sighting,
        subject,
    ))
}

#[inline(always)]
fn describe(
    body: &mut SocketBody,
    act: &Act,
    sighting: Sighting,
    subject: u64,
) -> Result<(), Reason> {
    let socket = match act.of {
        Of::Descriptor(number) => find_socket(number),
        Of::File(file) => of_file(file),
    };
    let socket = socket.unwrap_or(NO_SOCKET);
    let address = Address::cleared(body);
    let length = match act.action {
        LISTEN | ACCEPT => own_address(&socket, address)?,
        _ => given_address(act, address)?,
    };
    let mut object = object(&socket, address, length);
    if act.action == ACCEPT {
        add_peer(&mut object, &socket, address);
    }
    body.key = sighting.key(subject, act.action, act.errno, object);
    body.family = socket.family;
    body.socket_type = socket.kind;
    body.protocol = socket.protocol;
    body.address_bytes = length as u16;
    // Until the header is written, its place says which socket it is.
    body.header.boottime_ns = socket.sock;
    Ok(())
}

/// The address that the caller passed: at most [`ADDRESS_BYTES`] of it.
#[inline(always)]
fn given_address(act: &Act, address: &mut Address) -> Result<u32, Reason> {
    let length = bounded(act.address_bytes as u32);
    let (to, from) = (address.words.as_mut_ptr().cast(), act.address as *const _);
    // SAFETY: `address` has ADDRESS_BYTES bytes.
    let read = unsafe {
        match act.of {
            Of::Descriptor(_) => bpf_probe_read_user(to, length, from),
            Of::File(_) => bpf_probe_read_kernel(to, length, from),
        }
    };
    if read == 0 {
        Ok(length)
    } else {
        Err(Reason::ObjectUnknown)
    }
}
