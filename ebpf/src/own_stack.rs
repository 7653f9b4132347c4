//! Where the variables of a program are. From Linux 6.13 on the kernel keeps them in memory of the CPU (`bpf_enable_priv_stack` of
//! `kernel/bpf/verifier.c`) where it takes for granted that it lets nobody else into the same program on that CPU meanwhile. It does so
//! for two kinds of programs that it does let others into where it preempts probes, and two tasks would have the same variables: those
//! that others enter by a tail call, and those at functions of a user's program. Of a program that has a tail call itself the variables
//! stay on the task's own stack.

use aya_ebpf::{EbpfContext, maps::ProgramArray};

use crate::config;

/// To be in each program of the two kinds: a tail call that is never made. `programs` has programs of the same type only.
#[inline(always)]
pub(crate) fn keep(ctx: &impl EbpfContext, programs: &ProgramArray) {
    // The verifier knows that the agent is a process, and leaves the call out once it has seen that there is one.
    if config::agent_tgid() == 0 {
        // SAFETY: nothing here has to be dropped.
        unsafe { programs.tail_call(ctx, 0) };
    }
}
