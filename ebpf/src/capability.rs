//! Hook family `capability`: what the kernel asked a process's own capabilities for, and whether they had it.
//!
//! Triggers:
//! - `fexit`, or kprobe and kretprobe, of `int security_capable(const struct cred *cred, struct user_namespace *ns, int cap, unsigned
//!   int opts)` (5.10 to 7.3), and of the three functions of `security/commoncap.c` that do not come by there:
//!   `int cap_mmap_addr(unsigned long addr)`, `int cap_task_prctl(int option, unsigned long arg2, unsigned long arg3, unsigned long
//!   arg4, unsigned long arg5)` and `int cap_capset(struct cred *new, const struct cred *old, const kernel_cap_t *effective, const
//!   kernel_cap_t *inheritable, const kernel_cap_t *permitted)`. The checks of each `mmap`, `brk` and fork, which are no use, do not
//!   come by there either (`cap_vm_enough_memory`).
//! - The same of `int cap_capable(…)` with the arguments of `security_capable`, where security modules ask it by themselves, as
//!   `SELinux` and Smack do. Of the three functions beside it some compilers build copies of it into each: where there is no copy, a check
//!   counts twice.
//! - `tp_btf/cap_capable`, from 6.15 on: `TP_PROTO(const struct cred *cred, struct user_namespace *target_ns,
//!   const struct user_namespace *capable_ns, int cap, int ret)`. The options are not in it, and a check that asks not to
//!   be audited is told by the call that makes it, or by the functions that led to it.
//!
//! Left out are checks that ask not to be audited (the kernel itself holds those for no use of the capability),
//! checks of credentials that are not the task's own, and those that the owner of a namespace passes without it.

use aya_ebpf::{
    EbpfContext,
    macros::{btf_tracepoint, fexit, kprobe, kretprobe},
    programs::{BtfTracePointContext, FExitContext, ProbeContext, RetProbeContext},
};
use whittle_schemas::record::{
    Family, KIND_CAPABILITY,
    capability::{CAPABILITIES, CapabilityBody, FOREIGN, USE},
    counter::Reason,
};

use crate::{
    callers,
    config::{self, offset},
    function::{Place, Returned},
    grants,
    kernel::{current, read},
    number, path,
    sighting::Sighting,
    stand_in, subject,
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
    if stand_in::is_taken(&ctx, Family::Capability) {
        return 0;
    }
    let capability = ctx.arg::<u64>(3) as u32;
    if capability == CAP_SYS_ADMIN && callers::are_asking_for_memory() {
        return 0;
    }
    // Read as numbers: the verifier lets nobody compare the typed pointers that arguments are.
    let argument = |index: usize| read::<u64>(ctx.as_ptr() as u64, index * size_of::<u64>());
    let (Some(cred), Some(target_ns)) = (argument(0), argument(1)) else {
        return 0;
    };
    let check = Check {
        cred,
        target_ns,
        capability,
        result: ctx.arg::<u64>(4) as i32,
    };
    if let Some(sighting) = sighting(&check, || callers::are_unaudited(ctx.as_ptr())) {
        sighting.ended(touch(sighting, &check));
    }
    0
}

/// Of `include/uapi/linux/capability.h`.
const CAP_SYS_ADMIN: u32 = 21;

/// Places of kprobes.
const CHECK: Place = Place {
    number: 1,
    family: Family::Capability,
};
const MMAP: Place = Place {
    number: 6,
    family: Family::Capability,
};
const PRCTL: Place = Place {
    number: 2,
    family: Family::Capability,
};
const CAPSET: Place = Place {
    number: 3,
    family: Family::Capability,
};

stand_in::taker! { capability_security_capable_taker (Capability, CAPABILITY_SECURITY_CAPABLE): fexit "security_capable" }

/// By the exit of the check.
#[fexit(function = "security_capable")]
fn capability_security_capable(ctx: FExitContext) -> i32 {
    stand_in::entered(&ctx, &CAPABILITY_SECURITY_CAPABLE);
    checked_at_exit(&ctx)
}

stand_in::taker! { capability_cap_capable_taker (Capability, CAPABILITY_CAP_CAPABLE): fexit "cap_capable" }

/// By the exit of what it leads to.
#[fexit(function = "cap_capable")]
fn capability_cap_capable(ctx: FExitContext) -> i32 {
    stand_in::entered(&ctx, &CAPABILITY_CAP_CAPABLE);
    checked_at_exit(&ctx)
}

#[inline(always)]
fn checked_at_exit(ctx: &FExitContext) -> i32 {
    if ctx.arg::<u64>(3) & CAP_OPT_NOAUDIT != 0 {
        return 0;
    }
    checked(Returned::of_exit(ctx, 4))
}

/// By kprobes, of either. The kernel makes many checks that are no use, and a kprobe costs more than this look.
#[kprobe]
fn capability_check_entry(ctx: ProbeContext) -> u32 {
    CHECK.enter(&ctx, |[cred, _, _, options, _]| {
        options & CAP_OPT_NOAUDIT == 0 && grants::own_credentials() == Some(*cred)
    })
}

#[kretprobe]
fn capability_check_return(ctx: RetProbeContext) -> u32 {
    checked(Returned::of_return(&ctx, CHECK)) as u32
}

#[inline(always)]
fn checked(returned: Option<Returned>) -> i32 {
    let Some(returned) = returned else {
        return 0;
    };
    let check = Check {
        cred: returned.argument(0),
        target_ns: returned.argument(1),
        capability: returned.argument(2) as u32,
        result: -returned.errno(),
    };
    if let Some(sighting) = sighting(&check, || false) {
        sighting.ended(touch(sighting, &check));
    }
    0
}

stand_in::taker! { capability_mmap_addr_taker (Capability, CAPABILITY_MMAP_ADDR): fexit "cap_mmap_addr" }

/// By the exit of what an address is asked for that memory is to be mapped at: a low one takes `CAP_SYS_RAWIO`.
#[fexit(function = "cap_mmap_addr")]
fn capability_mmap_addr(ctx: FExitContext) -> i32 {
    stand_in::entered(&ctx, &CAPABILITY_MMAP_ADDR);
    if !is_low(ctx.arg(0)) {
        return 0;
    }
    mapped(Returned::of_exit(&ctx, 1))
}

#[kprobe]
fn capability_mmap_addr_entry(ctx: ProbeContext) -> u32 {
    MMAP.enter(&ctx, |arguments| is_low(arguments[0]))
}

#[kretprobe]
fn capability_mmap_addr_return(ctx: RetProbeContext) -> u32 {
    mapped(Returned::of_return(&ctx, MMAP)) as u32
}

#[inline(always)]
fn is_low(address: u64) -> bool {
    address < config::lowest_address()
}

#[inline(always)]
fn mapped(returned: Option<Returned>) -> i32 {
    if let Some(returned) = returned
        && let Some(cred) = grants::own_credentials()
        && let Some(own_ns) = read::<u64>(cred, offset!(cred_user_ns))
    {
        // Asked for over the first namespace, whose address nobody says: none is all others'.
        let is_first = read::<u32>(own_ns, offset!(user_ns_level)) == Some(0);
        known_by_its_end(&Check {
            cred,
            target_ns: if is_first { own_ns } else { 0 },
            capability: CAP_SYS_RAWIO,
            result: -returned.errno(),
        });
    }
    0
}

/// `CAP_SYS_RAWIO` of `include/uapi/linux/capability.h`.
const CAP_SYS_RAWIO: u32 = 17;

stand_in::taker! { capability_task_prctl_taker (Capability, CAPABILITY_TASK_PRCTL): fexit "cap_task_prctl" }

/// By the exit of prctl's part for capabilities: changing the securebits takes `CAP_SETPCAP`.
#[fexit(function = "cap_task_prctl")]
fn capability_task_prctl(ctx: FExitContext) -> i32 {
    stand_in::entered(&ctx, &CAPABILITY_TASK_PRCTL);
    securebits(Returned::of_exit(&ctx, 5))
}

#[kprobe]
fn capability_task_prctl_entry(ctx: ProbeContext) -> u32 {
    PRCTL.enter(&ctx, |arguments| arguments[0] as u32 == PR_SET_SECUREBITS)
}

#[kretprobe]
fn capability_task_prctl_return(ctx: RetProbeContext) -> u32 {
    securebits(Returned::of_return(&ctx, PRCTL)) as u32
}

#[inline(always)]
fn securebits(returned: Option<Returned>) -> i32 {
    if let Some(returned) = returned
        && returned.argument(0) as u32 == PR_SET_SECUREBITS
    {
        setpcap(-returned.errno());
    }
    0
}

/// By the exit of capset: inheriting what is neither permitted nor inherited takes `CAP_SETPCAP`.
#[fexit(function = "cap_capset")]
fn capability_capset(ctx: FExitContext) -> i32 {
    inherits(Returned::of_exit(&ctx, 5))
}

#[kprobe]
fn capability_capset_entry(ctx: ProbeContext) -> u32 {
    CAPSET.enter(&ctx, |_| true)
}

#[kretprobe]
fn capability_capset_return(ctx: RetProbeContext) -> u32 {
    inherits(Returned::of_return(&ctx, CAPSET)) as u32
}

#[inline(always)]
fn inherits(returned: Option<Returned>) -> i32 {
    let Some(returned) = returned else {
        return 0;
    };
    let sets = (
        read::<u64>(returned.argument(3), 0),
        read::<u64>(returned.argument(1), offset!(cred_inheritable)),
        read::<u64>(returned.argument(1), offset!(cred_permitted)),
    );
    if let (Some(wanted), Some(inherited), Some(permitted)) = sets
        && wanted & !(inherited | permitted) != 0
    {
        setpcap(-returned.errno());
    }
    0
}

/// `PR_SET_SECUREBITS` of `include/uapi/linux/prctl.h`.
const PR_SET_SECUREBITS: u32 = 28;

/// `CAP_SETPCAP` of `include/uapi/linux/capability.h`.
const CAP_SETPCAP: u32 = 8;

/// A check of `CAP_SETPCAP` that is known by what followed from it.
#[inline(always)]
fn setpcap(result: i32) {
    let Some(cred) = grants::own_credentials() else {
        return;
    };
    let Some(target_ns) = read(cred, offset!(cred_user_ns)) else {
        return;
    };
    known_by_its_end(&Check {
        cred,
        target_ns,
        capability: CAP_SETPCAP,
        result,
    });
}

/// Counts a check of which another function's end tells.
#[inline(always)]
fn known_by_its_end(check: &Check) {
    if (check.result == 0 || check.result == -EPERM)
        && let Some(sighting) = sighting(check, || false)
    {
        sighting.ended(touch(sighting, check));
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
    let key = sighting.key_of_number(subject, USE, errno, object);
    number::touch(sighting, &key, KIND_CAPABILITY, |header| CapabilityBody {
        header,
        key,
        text: path::EMPTY,
        capability,
        flags,
    })
}
