//! Probes that the kernel left out. It runs none on a CPU where the same one is running already, interrupted or preempted there, and
//! counts that with the program (`bpf_prog_inc_misses_counter` of `kernel/bpf/syscall.c`, 5.12 on); nothing else tells of it.

use std::{
    collections::BTreeSet,
    fs,
    os::fd::{AsFd, AsRawFd, OwnedFd},
};

use aya::{Ebpf, programs::Program};
use whittle_schemas::record::Family;

use super::{hooks, plan::Plan};

/// How often each family's probes were left out.
pub struct Misses {
    programs: Vec<(usize, OwnedFd)>,
    counted: [u64; Family::ALL.len()],
}

impl Misses {
    /// Of the programs that are attached.
    pub(super) fn take(object: &Ebpf, plan: &Plan) -> Self {
        let families = plan.families.iter();
        let attached = families.filter_map(|family| Some((family.family, family.backend?)));
        let hooks = attached.flat_map(|(family, backend)| {
            hooks::of(family, backend).map(move |hook| (family as usize, hook.program))
        });
        // One program may be on several functions.
        let hooks: BTreeSet<_> = hooks.collect();
        let programs = hooks.into_iter().filter_map(|(family, name)| {
            // A call that this kernel does not have has a program that was not loaded.
            let descriptor = descriptor(object.program(name)?)?;
            Some((family, descriptor))
        });
        Self {
            programs: programs.collect(),
            counted: [0; Family::ALL.len()],
        }
    }

    /// How often since the last time, by the number of the family. Whose accesses they were is not known, nor whether they were any.
    pub fn since_last(&mut self) -> [u64; Family::ALL.len()] {
        let mut now = [0; Family::ALL.len()];
        for (family, program) in &self.programs {
            now[*family] += missed(program).unwrap_or(0);
        }
        let then = std::mem::replace(&mut self.counted, now);
        let pairs = now.iter_mut().zip(then);
        pairs.for_each(|(now, then)| *now = now.saturating_sub(then));
        now
    }
}

fn descriptor(program: &Program) -> Option<OwnedFd> {
    let descriptor = program.fd().ok()?.as_fd();
    descriptor.try_clone_to_owned().ok()
}

/// None where the kernel does not count.
fn missed(program: &OwnedFd) -> Option<u64> {
    let path = format!("/proc/self/fdinfo/{}", program.as_raw_fd());
    parse(&fs::read_to_string(path).ok()?)
}

fn parse(information: &str) -> Option<u64> {
    let mut lines = information.lines();
    let count = lines.find_map(|line| line.strip_prefix("recursion_misses:"))?;
    count.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_the_one_that_the_kernel_prints_beside_a_program() {
        let printed = "pos:\t0\nflags:\t02000002\nprog_type:\t26\nrun_cnt:\t0\nrecursion_misses:\t17\nverified_insns:\t9\n";
        assert_eq!(parse(printed), Some(17));
        assert_eq!(parse("pos:\t0\nflags:\t02000002\nprog_type:\t26\n"), None);
    }
}
