//! Probes that the kernel left out. It runs none on a CPU where the same one is running already, interrupted or preempted there, and
//! counts that with the program (`bpf_prog_inc_misses_counter` of `kernel/bpf/syscall.c`, 5.12 on); nothing else tells of it. Of a
//! program with stand-ins it is the first that counts, less what they took: what is left nobody got.

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
use whittle_schemas::record::Family;

use super::{KernelError, hooks, plan::Plan, stand_in::StoodFor};

/// The map in which stand-ins count what they took.
const STOOD_IN: &str = "STOOD_IN";

/// How often each family's probes were left out.
pub struct Misses {
    programs: Vec<(usize, OwnedFd)>,
    stood_in: PerCpuArray<MapData, u64>,
    counted: OfFamilies,
}

/// By the number of the family. Negative where stand-ins took calls before the first was attached.
type OfFamilies = [i64; Family::ALL.len()];

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
        let families = plan.families.iter();
        let attached = families.filter_map(|family| Some((family.family, family.backend?)));
        let hooks = attached.flat_map(|(family, backend)| {
            hooks::of(family, backend).map(move |hook| (family as usize, hook.program))
        });
        // One program may be on several functions.
        let hooks: BTreeSet<_> = hooks.collect();
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
            counted: OfFamilies::default(),
        };
        misses.counted = misses.now();
        Ok(misses)
    }

    /// How often since the last time, by the number of the family. Whose accesses they were is not known, nor whether they were any.
    pub fn since_last(&mut self) -> [u64; Family::ALL.len()] {
        let now = self.now();
        let mut since = [0; Family::ALL.len()];
        for ((since, now), counted) in since.iter_mut().zip(now).zip(&mut self.counted) {
            // A call that the first was left out of and no stand-in has come to yet was counted, and is not taken back.
            let more = now.saturating_sub(*counted).max(0);
            *counted += more;
            *since = more.unsigned_abs();
        }
        since
    }

    /// How often ever. What stand-ins took is read first: of a call that is between the two it is missing.
    fn now(&self) -> OfFamilies {
        let took: Vec<u64> = (0..)
            .take(Family::ALL.len())
            .map(|family| self.took(family))
            .collect();
        let mut now = OfFamilies::default();
        for (family, program) in &self.programs {
            now[*family] += missed(program).unwrap_or(0).cast_signed();
        }
        for (now, took) in now.iter_mut().zip(took) {
            *now -= took.cast_signed();
        }
        now
    }

    /// What stand-ins of a family took. Where that cannot be read, they took nothing.
    fn took(&self, family: u32) -> u64 {
        let of_cpus = self.stood_in.get(&family, 0);
        of_cpus.map_or(0, |of_cpus| of_cpus.iter().sum())
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
