//! The decision, for hosts of every kind.

use super::{super::hooks::Modules, *};

fn check(facts: &Facts, backend: Option<Backend>, expected: Option<Backend>) {
    let wanted = Wanted {
        backend,
        syscalls: false,
        tls: false,
    };
    for family in plan(facts, wanted).families {
        assert_eq!(
            family.backend,
            expected,
            "{}: {}",
            family.family.name(),
            family.reason
        );
        assert!(!family.reason.is_empty());
    }
}

fn facts(trampoline: Result<(), String>) -> Facts {
    Facts {
        trampoline,
        kprobe: Err("none".to_owned()),
        missing: Vec::new(),
        capability_tracepoint: true,
        modules: Modules::AskLikeAll,
    }
}

fn of(plan: &Plan, family: Family) -> Option<&FamilyPlan> {
    plan.families.iter().find(|entry| entry.family == family)
}

#[test]
fn trampolines_are_taken_where_they_work_and_syscalls_elsewhere() {
    check(&facts(Ok(())), None, Some(Backend::Trampoline));
    check(&facts(Err("no".to_owned())), None, Some(Backend::Syscall));
}

#[test]
fn a_backend_that_was_asked_for_is_never_replaced() {
    check(
        &facts(Ok(())),
        Some(Backend::Syscall),
        Some(Backend::Syscall),
    );
    check(
        &facts(Err("no".to_owned())),
        Some(Backend::Trampoline),
        None,
    );
}

#[test]
fn kprobes_are_taken_without_trampolines_where_they_see_more() {
    let facts = Facts {
        kprobe: Ok(()),
        ..facts(Err("no".to_owned()))
    };
    let check = |wanted: Option<Backend>| {
        let wanted = Wanted {
            backend: wanted,
            ..Wanted::default()
        };
        for entry in plan(&facts, wanted).families {
            let expected = match entry.family {
                Family::File | Family::Socket | Family::Capability => Backend::Kprobe,
                _ => Backend::Syscall,
            };
            assert_eq!(entry.backend, Some(expected), "{}", entry.reason);
        }
    };
    check(None);
    check(Some(Backend::Kprobe));
}

#[test]
fn kprobes_that_were_asked_for_and_do_not_work_leave_every_family_out() {
    check(&facts(Ok(())), Some(Backend::Kprobe), None);
}

#[test]
fn a_family_whose_probe_is_refused_gets_the_next_backend() {
    let check = |kprobe: Result<(), String>, family, expected: [Option<Backend>; 2]| {
        let facts = Facts {
            kprobe,
            capability_tracepoint: false,
            ..facts(Ok(()))
        };
        let refused = [Backend::Trampoline, Backend::Kprobe];
        assert_eq!(refused.map(|one| after(&facts, family, one)), expected);
    };
    let no = || Err("no".to_owned());
    let syscall = Some(Backend::Syscall);
    check(Ok(()), Family::File, [Some(Backend::Kprobe), syscall]);
    check(Ok(()), Family::Process, [syscall, syscall]);
    check(no(), Family::File, [syscall, syscall]);
    check(Ok(()), Family::Capability, [Some(Backend::Kprobe), None]);
}

#[test]
fn a_missing_member_leaves_out_its_family_alone_and_is_named() {
    let facts = Facts {
        missing: vec![("socket", "sk")],
        ..facts(Ok(()))
    };
    let plan = plan(&facts, Wanted::default());
    let backends: Vec<_> = plan
        .families
        .iter()
        .map(|family| family.backend.is_some())
        .collect();
    assert_eq!(backends, [true, true, false, false, true, true]);
    assert!(
        plan.families[2].reason.contains("socket.sk"),
        "{}",
        plan.families[2].reason
    );
}

#[test]
fn capabilities_need_trampolines_or_the_tracepoint() {
    let check = |trampoline: bool, tracepoint: bool, expected: Option<Backend>| {
        let facts = Facts {
            capability_tracepoint: tracepoint,
            ..facts(trampoline.then_some(()).ok_or_else(|| "no".to_owned()))
        };
        let plan = plan(&facts, Wanted::default());
        let capability = of(&plan, Family::Capability).expect("it is in every plan");
        assert_eq!(capability.backend, expected, "{}", capability.reason);
    };
    check(true, false, Some(Backend::Trampoline));
    check(true, true, Some(Backend::Trampoline));
    check(false, true, Some(Backend::Syscall));
    check(false, false, None);
}

#[test]
fn it_is_said_where_unaudited_checks_cannot_be_told_apart() {
    let told = |trampoline| {
        let plan = plan(&facts(trampoline), Wanted::default());
        let told = plan.families.into_iter();
        told.filter(FamilyPlan::is_told_unaudited).collect()
    };
    assert_eq!(told(Ok(())), Vec::<FamilyPlan>::new());
    let mut told: Vec<_> = told(Err("no".to_owned()));
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].family, Family::Capability);
    told[0].is_not_told("addresses are hidden");
    assert!(told[0].reason.ends_with("addresses are hidden"));
}

#[test]
fn system_calls_are_counted_where_that_is_asked_for_and_nothing_is_said_of_them_elsewhere() {
    let facts = facts(Ok(()));
    assert_eq!(of(&plan(&facts, Wanted::default()), Family::Syscall), None);
    let wanted = Wanted {
        backend: Some(Backend::Trampoline),
        syscalls: true,
        tls: false,
    };
    let plan = plan(&facts, wanted);
    let syscall = of(&plan, Family::Syscall).expect("it was asked for");
    assert_eq!(syscall.backend, Some(Backend::Syscall));
}
