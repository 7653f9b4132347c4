//! Hook family `capability`: what the kernel asked a process's own capabilities for, and whether they had it.
//!
//! Triggers:
//! - `fexit` of `int cap_capable(const struct cred *cred, struct user_namespace *target_ns, int cap, unsigned int opts)`
//!   (5.10 to 7.3), and of two functions beside it into which compilers build a copy of it, so that their checks do not
//!   come there: `int cap_task_prctl(int option, unsigned long arg2, unsigned long arg3, unsigned long arg4, unsigned
//!   long arg5)` and `int cap_capset(struct cred *new, const struct cred *old, const kernel_cap_t *effective,
//!   const kernel_cap_t *inheritable, const kernel_cap_t *permitted)`. Where there is no copy, a check counts twice.
//! - `tp_btf/cap_capable`, from 6.15 on: `TP_PROTO(const struct cred *cred, struct user_namespace *target_ns,
//!   const struct user_namespace *capable_ns, int cap, int ret)`. The options are not in it, and a check that asks not to
//!   be audited is told by the functions that led to it.
//!
//! Left out are checks that ask not to be audited (the kernel itself holds those for no use of the capability),
//! checks of credentials that are not the task's own, and those that the owner of a namespace passes without it.

use aya_ebpf::{
    EbpfContext,
    macros::{btf_tracepoint, fexit},
    programs::{BtfTracePointContext, FExitContext},
};
use whittle_schemas::record::{
    Family, KIND_CAPABILITY,
    capability::{CAPABILITIES, CapabilityBody, FOREIGN, USE},
    counter::Reason,
};

use crate::{
    callers,
    config::offset,
    grants,
    kernel::{current, read},
    number, path,
    subject::{self, Sighting},
};

/// One check that ended. Pointers are numbers here.
struct Check {
    cred: u64,
    target_ns: u64,
    capability: u32,
    result: i32,
}

/// By the tracepoint inside of the check.
#[btf_tracepoint(function = "cap_capable")]
fn capability_checked(ctx: BtfTracePointContext) -> i32 {
    // Read as numbers: the verifier lets nobody compare the typed pointers that arguments are.
    let argument = |index: usize| read::<u64>(ctx.as_ptr() as u64, index * size_of::<u64>());
    let (Some(cred), Some(target_ns)) = (argument(0), argument(1)) else {
        return 0;
    };
    let check = Check {
        cred,
        target_ns,
        capability: ctx.arg::<u64>(3) as u32,
        result: ctx.arg::<u64>(4) as i32,
    };
    if let Some(sighting) = sighting(&check, || callers::are_unaudited(ctx.as_ptr())) {
        sighting.ended(touch(sighting, &check));
    }
    0
}

/// By the exit of the check.
#[fexit(function = "cap_capable")]
fn capability_cap_capable(ctx: FExitContext) -> i32 {
    let (Some(cred), Some(target_ns), Some(result)) = (
        number_at(&ctx, 0),
        number_at(&ctx, 1),
        number_at(&ctx, RESULT),
    ) else {
        return 0;
    };
    let check = Check {
        cred,
        target_ns,
        capability: ctx.arg::<u64>(2) as u32,
        result: result as i32,
    };
    let options = ctx.arg::<u64>(3);
    if let Some(sighting) = sighting(&check, || options & CAP_OPT_NOAUDIT != 0) {
        sighting.ended(touch(sighting, &check));
    }
    0
}

/// Index of the result behind the four arguments.
const RESULT: usize = 4;

/// By the exit of prctl's part for capabilities: changing the securebits takes `CAP_SETPCAP`.
#[fexit(function = "cap_task_prctl")]
fn capability_task_prctl(ctx: FExitContext) -> i32 {
    let (Some(option), Some(result)) = (number_at(&ctx, 0), number_at(&ctx, 5)) else {
        return 0;
    };
    if option as u32 == PR_SET_SECUREBITS {
        setpcap(result as i32);
    }
    0
}

/// By the exit of capset: inheriting what is neither permitted nor inherited takes `CAP_SETPCAP`.
#[fexit(function = "cap_capset")]
fn capability_capset(ctx: FExitContext) -> i32 {
    let (Some(old), Some(inheritable), Some(result)) =
        (number_at(&ctx, 1), number_at(&ctx, 3), number_at(&ctx, 5))
    else {
        return 0;
    };
    let sets = (
        read::<u64>(inheritable, 0),
        read::<u64>(old, offset!(cred_inheritable)),
        read::<u64>(old, offset!(cred_permitted)),
    );
    if let (Some(wanted), Some(inherited), Some(permitted)) = sets
        && wanted & !(inherited | permitted) != 0
    {
        setpcap(result as i32);
    }
    0
}

/// `PR_SET_SECUREBITS` of `include/uapi/linux/prctl.h`.
const PR_SET_SECUREBITS: u32 = 28;

/// `CAP_SETPCAP` of `include/uapi/linux/capability.h`.
const CAP_SETPCAP: u32 = 8;

/// An argument as a number: the verifier lets nobody compute with the typed pointers that arguments are.
#[inline(always)]
fn number_at(ctx: &FExitContext, index: usize) -> Option<u64> {
    read(ctx.as_ptr() as u64, index * size_of::<u64>())
}

/// A check of `CAP_SETPCAP` that is known by what followed from it.
#[inline(always)]
fn setpcap(result: i32) {
    let Some(cred) = grants::own_credentials() else {
        return;
    };
    let Some(target_ns) = read(cred, offset!(cred_user_ns)) else {
        return;
    };
    let check = Check {
        cred,
        target_ns,
        capability: CAP_SETPCAP,
        result,
    };
    if (result == 0 || result == -EPERM)
        && let Some(sighting) = sighting(&check, || false)
    {
        sighting.ended(touch(sighting, &check));
    }
}

/// `EPERM` of `include/uapi/asm-generic/errno-base.h`.
const EPERM: i32 = 1;

/// `CAP_OPT_NOAUDIT` of `include/linux/security.h`: the check is to leave no trace in the audit log.
const CAP_OPT_NOAUDIT: u64 = 2;

/// Counts the check as seen, if it is one that tells of the running task.
#[inline(always)]
fn sighting(check: &Check, is_unaudited: impl FnOnce() -> bool) -> Option<Sighting> {
    subject::watched()?;
    // Kernel threads act for nobody, and a task that has given up its memory is on its way out.
    let mm: u64 = read(current(), offset!(task_mm))?;
    if mm == 0 || grants::own_credentials()? != check.cred || is_owner(check) || is_unaudited() {
        return None;
    }
    Sighting::of(Family::Capability)
}

/// Whether the check was passed without the capability: the owner of a user namespace has all of them over it.
#[inline(always)]
fn is_owner(check: &Check) -> bool {
    let effective: u64 = read(check.cred, offset!(cred_effective)).unwrap_or(u64::MAX);
    check.result == 0 && effective & (1 << (check.capability & 63)) == 0
}

#[inline(always)]
fn touch(sighting: Sighting, check: &Check) -> Result<(), Reason> {
    let subject = subject::of(sighting.task)?;
    let own_ns: u64 = read(check.cred, offset!(cred_user_ns)).ok_or(Reason::ObjectUnknown)?;
    let flags = if own_ns == check.target_ns {
        0
    } else {
        FOREIGN
    };
    let capability = check.capability & (CAPABILITIES - 1);
    let errno = if check.result < 0 { -check.result } else { 0 };
    let object = u64::from(capability) | (u64::from(flags) << 32);
    let key = sighting.key(subject, USE, errno, [object, 0, 0, 0]);
    number::touch(sighting, &key, KIND_CAPABILITY, |header| CapabilityBody {
        header,
        key,
        text: path::EMPTY,
        capability,
        flags,
    })
}
