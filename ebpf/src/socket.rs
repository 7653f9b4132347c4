//! Hook family `socket`: connect, bind, listen, accept, and datagrams sent to an address.
//!
//! Triggers: `sys_exit` of these calls, or `fexit` of their entry functions
//! (`long __x64_sys_*(const struct pt_regs *regs)`, 4.17 on).

use aya_ebpf::{
    helpers::generated::bpf_probe_read_user,
    macros::{btf_tracepoint, fexit},
    programs::{BtfTracePointContext, FExitContext},
};
use whittle_schemas::record::{
    Family, KIND_SOCKET,
    counter::Reason,
    socket::{ACCEPT, BIND, CONNECT, LISTEN, SEND, SocketBody},
};

use crate::{
    address::{Address, add_peer, bounded, is_relative_path, object, own_address, socket},
    count, emit,
    path::{self, Path},
    scratch,
    subject::{self, Sighting},
    syscall::{Call, read_user_into, read_user_or_zero},
    usage::{self, Generation},
};

const CONNECT_CALL: u64 = 42;
const ACCEPT_CALL: u64 = 43;
const SENDTO_CALL: u64 = 44;
const SENDMSG_CALL: u64 = 46;
const BIND_CALL: u64 = 49;
const LISTEN_CALL: u64 = 50;
const ACCEPT4_CALL: u64 = 288;
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

#[fexit(function = "__x64_sys_accept")]
fn socket_accept(ctx: FExitContext) -> i32 {
    on_return(ACCEPT_CALL, &Call::of_entry(&ctx))
}

#[fexit(function = "__x64_sys_accept4")]
fn socket_accept4(ctx: FExitContext) -> i32 {
    on_return(ACCEPT4_CALL, &Call::of_entry(&ctx))
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
fn is_ours_32(number: u64) -> bool {
    matches!(number, 102 | 345 | 361..=364 | 369 | 370)
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
        ACCEPT_CALL | ACCEPT4_CALL => accepted(call),
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

/// Without a connection there was nobody to let in.
#[inline(always)]
fn accepted(call: &Call) {
    if call.result() >= 0 {
        touch(&Act {
            action: ACCEPT,
            descriptor: call.result() as u64,
            address: 0,
            address_bytes: 0,
            errno: 0,
        });
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
    let mut address = 0;
    if !read_user_into::<u64>(message, &mut address) {
        return lost(Reason::ObjectUnknown);
    }
    if address == 0 {
        return;
    }
    let length = read_user_or_zero::<u32>(message + 8);
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
    let first = scratch::with(|scratch, slot| {
        let body = scratch.body::<SocketBody>();
        // The body is put together where it is sent from: with the address on the stack, the chain of calls from
        // sendmmsg to a step of a walk would pass the 512 bytes that there are.
        // SAFETY: the slot is this program's alone, and has room for the body, which is plain integers.
        let body = unsafe { &mut *body };
        let address = Address::of(body);
        let length = match act.action {
            LISTEN | ACCEPT => own_address(&socket, address)?,
            _ => given_address(act, address)?,
        };
        let mut object = object(&socket, address, length);
        if act.action == ACCEPT {
            add_peer(&mut object, &socket, address);
        }
        let key = sighting.key(subject, act.action, act.errno, object);
        if usage::repeat(sighting.generation, &key) {
            return Ok(None);
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
        Ok(Some(key))
    })?;
    if let Some(key) = first {
        usage::begin(sighting.generation, sighting.family, &key);
    }
    Ok(())
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
