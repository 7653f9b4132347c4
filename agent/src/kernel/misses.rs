//! Probes that the kernel left out. It runs none on a CPU where the same one is running already, interrupted or preempted there, and
//! counts that with the program (`bpf_prog_inc_misses_counter` of `kernel/bpf/syscall.c`, 5.12 on); nothing else tells of it. Of a
//! program with stand-ins it is the first that counts, less what they took: what is left nobody got. At the exit of system calls the kernel
//! leaves out what has not yet looked at the call's number: it is a miss of each family that might have been meant.

use std::{
    collections::BTreeSet,
    fs,
    os::fd::{AsFd, AsRawFd, OwnedFd},
};

use aya::{
    Ebpf,
    maps::{MapData, PerCpuArray},
    programs::Program,
};
use whittle_schemas::record::{
    Family,
    stand_in::{AT_EXIT, COUNTED},
};

use super::{KernelError, hooks, plan::Plan, stand_in::StoodFor};

/// The map in which stand-ins count what they took.
const STOOD_IN: &str = "STOOD_IN";

/// How often each family's probes were left out.
pub struct Misses {
    /// Each with whose it is: the number of its family, or [`AT_EXIT`].
    programs: Vec<(usize, OwnedFd)>,
    stood_in: PerCpuArray<MapData, u64>,
    counted: Left,
    /// Families that the program at the exit of system calls leads to.
    at_exit: Vec<Family>,
}

/// Calls that nobody got, by whose the program is. Negative where stand-ins took calls before the first was attached.
type Left = [i64; COUNTED];

impl Misses {
    /// Of the programs that are attached.
    pub(super) fn take(
        object: &mut Ebpf,
        plan: &Plan,
        stood_for: &[StoodFor],
    ) -> Result<Self, KernelError> {
        let map = object
            .take_map(STOOD_IN)
            .ok_or(KernelError::Incomplete(STOOD_IN))?;
        let stood_in = PerCpuArray::try_from(map).map_err(|cause| KernelError::Map {
            map: STOOD_IN,
            cause,
        })?;
        let hooks = plan.observed().flat_map(|(family, backend)| {
            hooks::of(family, backend).map(move |hook| (family as usize, hook.program))
        });
        // One program may be on several functions.
        let mut hooks: BTreeSet<_> = hooks.collect();
        hooks.insert((AT_EXIT, hooks::SYS_EXIT.program));
        let programs = hooks.into_iter().filter_map(|(family, name)| {
            let first = stood_for.iter().find(|stood_for| stood_for.program == name);
            // A call that this kernel does not have has a program that was not loaded.
            let descriptor = match first {
                Some(stood_for) => stood_for.first.try_clone().ok()?,
                None => descriptor(object.program(name)?)?,
            };
            Some((family, descriptor))
        });
        let mut misses = Self {
            programs: programs.collect(),
            stood_in,
            counted: Left::default(),
            at_exit: plan.are_led_to().collect(),
        };
        misses.counted = misses.now();
        Ok(misses)
    }

    /// How often since the last time, by the number of the family. Whose accesses they were is not known, nor whether they were any.
    pub fn since_last(&mut self) -> [u64; Family::ALL.len()] {
        let now = self.now();
        let mut since = [0; COUNTED];
        for ((since, now), counted) in since.iter_mut().zip(now).zip(&mut self.counted) {
            // A call that the first was left out of and no stand-in has come to yet was counted, and is not taken back.
            let more = now.saturating_sub(*counted).max(0);
            *counted += more;
            *since = more.unsigned_abs();
        }
        of_families(since, &self.at_exit)
    }

    /// How often ever. What stand-ins took is read first: of a call that is between the two it is missing.
    fn now(&self) -> Left {
        let took: Vec<u64> = (0..).take(COUNTED).map(|whose| self.took(whose)).collect();
        let mut now = Left::default();
        for (whose, program) in &self.programs {
            now[*whose] += missed(program).unwrap_or(0).cast_signed();
        }
        for (now, took) in now.iter_mut().zip(took) {
            *now -= took.cast_signed();
        }
        now
    }

    /// What stand-ins took. Where that cannot be read, they took nothing.
    fn took(&self, whose: u32) -> u64 {
        let of_cpus = self.stood_in.get(&whose, 0);
        of_cpus.map_or(0, |of_cpus| of_cpus.iter().sum())
    }
}

/// What was left out at the exit of system calls is each of these families': a call concerns some of them or none.
fn of_families(left_out: [u64; COUNTED], at_exit: &[Family]) -> [u64; Family::ALL.len()] {
    let mut of_families = [0; Family::ALL.len()];
    for (family, left_out) in of_families.iter_mut().zip(left_out) {
        *family = left_out;
    }
    for family in at_exit {
        of_families[*family as usize] += left_out[AT_EXIT];
    }
    of_families
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
    fn what_is_left_out_at_the_exit_of_calls_is_a_miss_of_each_family_that_might_have_been_meant() {
        let mut left_out = [0; COUNTED];
        left_out[Family::File as usize] = 2;
        left_out[Family::Capability as usize] = 3;
        left_out[AT_EXIT] = 5;
        let missed = of_families(left_out, &[Family::Process, Family::File]);
        assert_eq!(missed[Family::Process as usize], 5);
        assert_eq!(missed[Family::File as usize], 7);
        assert_eq!(missed[Family::Capability as usize], 3);
        assert_eq!(missed[Family::Socket as usize], 0);
    }

    #[test]
    fn the_count_is_the_one_that_the_kernel_prints_beside_a_program() {
        let printed = "pos:\t0\nflags:\t02000002\nprog_type:\t26\nrun_cnt:\t0\nrecursion_misses:\t17\nverified_insns:\t9\n";
        assert_eq!(parse(printed), Some(17));
        assert_eq!(parse("pos:\t0\nflags:\t02000002\nprog_type:\t26\n"), None);
    }
}
