//! Hook family `socket`: connect, bind, listen, accept, and datagrams sent to an address.
//!
//! What becomes of each is in `socket_act`, and how a connect ended that goes on without its caller in `connect`.
//! Triggers: `sys_exit` of these calls, or `fexit` of their entry functions
//! (`long __x64_sys_*(const struct pt_regs *regs)`, 4.17 on). What `io_uring` does is in `socket_uring`.

use aya_ebpf::{
    macros::{btf_tracepoint, fexit},
    programs::{BtfTracePointContext, FExitContext},
};
use whittle_schemas::record::{
    Family,
    counter::Reason,
    exit::SOCKET,
    process::Task,
    socket::{ACCEPT, BIND, CONNECT, LISTEN, SEND},
};

use crate::{
    count, exit,
    sighting::Sighting,
    socket_act::{Act, Of, touch},
    stand_in, subject,
    syscall::{Call, read_user_into, read_user_or_zero},
    usage::Generation,
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

stand_in::taker! { socket_connect_taker (Socket, SOCKET_CONNECT): fexit "__x64_sys_connect" }

#[fexit(function = "__x64_sys_connect")]
fn socket_connect(ctx: FExitContext) -> i32 {
    stand_in::entered(&ctx, &SOCKET_CONNECT);
    on_return(CONNECT_CALL, &Call::of_entry(&ctx))
}

stand_in::taker! { socket_bind_taker (Socket, SOCKET_BIND): fexit "__x64_sys_bind" }

#[fexit(function = "__x64_sys_bind")]
fn socket_bind(ctx: FExitContext) -> i32 {
    stand_in::entered(&ctx, &SOCKET_BIND);
    on_return(BIND_CALL, &Call::of_entry(&ctx))
}

#[fexit(function = "__x64_sys_listen")]
fn socket_listen(ctx: FExitContext) -> i32 {
    on_return(LISTEN_CALL, &Call::of_entry(&ctx))
}

stand_in::taker! { socket_accept_taker (Socket, SOCKET_ACCEPT): fexit "__x64_sys_accept" }

#[fexit(function = "__x64_sys_accept")]
fn socket_accept(ctx: FExitContext) -> i32 {
    stand_in::entered(&ctx, &SOCKET_ACCEPT);
    on_return(ACCEPT_CALL, &Call::of_entry(&ctx))
}

stand_in::taker! { socket_accept4_taker (Socket, SOCKET_ACCEPT4): fexit "__x64_sys_accept4" }

#[fexit(function = "__x64_sys_accept4")]
fn socket_accept4(ctx: FExitContext) -> i32 {
    stand_in::entered(&ctx, &SOCKET_ACCEPT4);
    on_return(ACCEPT4_CALL, &Call::of_entry(&ctx))
}

stand_in::taker! { socket_sendto_taker (Socket, SOCKET_SENDTO): fexit "__x64_sys_sendto" }

#[fexit(function = "__x64_sys_sendto")]
fn socket_sendto(ctx: FExitContext) -> i32 {
    stand_in::entered(&ctx, &SOCKET_SENDTO);
    on_return(SENDTO_CALL, &Call::of_entry(&ctx))
}

stand_in::taker! { socket_sendmsg_taker (Socket, SOCKET_SENDMSG): fexit "__x64_sys_sendmsg" }

#[fexit(function = "__x64_sys_sendmsg")]
fn socket_sendmsg(ctx: FExitContext) -> i32 {
    stand_in::entered(&ctx, &SOCKET_SENDMSG);
    on_return(SENDMSG_CALL, &Call::of_entry(&ctx))
}

#[fexit(function = "__x64_sys_sendmmsg")]
fn socket_sendmmsg(ctx: FExitContext) -> i32 {
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
