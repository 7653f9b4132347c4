//! The probes. One file per hook family (`process`, `file` with `change`, `socket`, `payload` with `inet` and `tls`, `capability`, `callset`, `privilege`); the rest is
//! what they share.
//! A probe is an attached function that names its hook, and a `try_` function or a shared body that does
//! the work. Three triggers lead to the bodies: the exit of a system call (`exit`, any kernel), the exit of the kernel
//! function behind it (`fexit`, kernels with trampolines), and a kprobe with its kretprobe on functions that more leads to than calls.
#![no_std]
#![no_main]
#![feature(asm_experimental_arch, core_intrinsics)]
#![expect(
    internal_features,
    reason = "the one way to an atomic add: the target has no compare-and-swap before 5.12"
)]
#![expect(
    clippy::inline_always,
    reason = "a function that is not inlined costs stack of the 512 bytes that a chain of calls has"
)]
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    reason = "registers are 64 bits wide and the kernel's types are not: each cast takes what the kernel's prototype says"
)]
#![expect(
    clippy::needless_pass_by_value,
    reason = "a program owns its context, and aya's macros pass it by value"
)]

mod access;
mod address;
mod asked;
mod callers;
mod callset;
mod capability;
mod change;
mod change_uring;
mod chunk;
mod close;
mod config;
mod connect;
mod connection;
mod count;
mod datagram;
mod emit;
mod entry;
mod exit;
mod file;
mod folder;
mod function;
mod grants;
mod hash;
mod inet;
mod kernel;
mod known;
mod lineage;
mod loss;
mod maps;
mod member;
mod number;
mod own_stack;
mod path;
mod payload;
mod peer;
mod privilege;
mod process;
mod scratch;
mod script;
mod sighting;
mod socket;
mod socket_act;
mod socket_uring;
mod source;
mod stand_in;
mod stream;
mod subject;
mod syscall;
mod tls;
mod typed;
mod uring;
mod usage;
mod wake;

/// The kernel lets a program call helpers that are for GPL-compatible programs only if it says so here.
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";

#[cfg(target_arch = "bpf")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    // Nothing here panics: the verifier refuses a program that could reach this loop.
    loop {}
}
