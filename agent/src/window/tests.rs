//! Counting is exact, whatever the order.

use proptest::prelude::*;
use whittle_schemas::{
    record::usage::UsageKey,
    table::{Outcome, Surface},
};
use zerocopy::FromZeros;

use crate::model::{Call, Clock, Deed, Endpoint, Instance, Medium, Requested, Touch, Workload};

use super::*;

fn id(subject: u8, resource: u8) -> UsageId {
    UsageId([
        u64::from(subject) << 8 | u64::from(resource),
        Family::File as u64,
    ])
}

fn access(subject: u8, resource: u8, boottime_ns: u64) -> (Rc<Subject>, Touch<'static>) {
    let mut key = UsageKey::new_zeroed();
    (key.subject, key.family) = (subject.into(), Family::File as u8);
    key.id = id(subject, resource);
    let subject = Rc::new(Subject {
        subject_id: subject.to_string(),
        executable: Vec::new(),
        build_id: None,
        script: None,
        uid: 0,
        user: None,
        cgroup: None,
        workload: Workload::default(),
        instance: Instance::default(),
    });
    let touch = Touch {
        key,
        generation: 0,
        boottime_ns,
        tgid: 1,
        deed: Deed {
            family: Family::File,
            surface: Surface::File,
            action: "read".into(),
            detail: None,
            outcome: Outcome::Allowed,
            error: None,
        },
        resource: vec![resource].into(),
    };
    (subject, touch)
}

#[test]
fn repeats_without_a_first_sight_are_unresolved_and_not_forgotten() {
    let mut window = Window::default();
    let (subject, known) = access(1, 1, 5);
    let unknown = id(1, 9);
    assert!(window.add(&subject, &known).is_some());
    window.repeat(known.key.id, 3, 11);
    window.repeat(unknown, 4, 11);
    assert_eq!(
        (
            window.recorded(Family::File),
            window.unresolved(Family::File)
        ),
        (4, 4)
    );
    let last = window.usages().map(|usage| usage.last_boottime_ns);
    assert_eq!(last.collect::<Vec<_>>(), [11]);
}

proptest! {
    #[test]
    fn the_sum_of_counts_is_the_number_of_accesses(
        touches in proptest::collection::vec((0_u8..4, 0_u8..6, 0_u64..1_000, 0_u64..50), 0..200)
    ) {
        let mut window = Window::default();
        let mut expected = 0;
        for (subject, resource, time, repeats) in touches {
            let (subject, touch) = access(subject, resource, time);
            let id = touch.key.id;
            prop_assert!(window.add(&subject, &touch).is_some());
            window.repeat(id, repeats, time);
            expected += 1 + repeats;
        }
        prop_assert_eq!(window.recorded(Family::File), expected);
        prop_assert!(window.usages().count() <= 24);
        for usage in window.usages() {
            prop_assert!(usage.first_boottime_ns <= usage.last_boottime_ns);
        }
    }
}

fn subject(id: &str) -> Rc<Subject> {
    let (mut subject, _) = access(1, 1, 1);
    id.clone_into(&mut Rc::make_mut(&mut subject).subject_id);
    subject
}

fn call(resource: &str, boottime_ns: u64) -> Call {
    Call {
        subject: 1,
        generation: 0,
        boottime_ns,
        request: Requested {
            action: "s3:GetObject".to_owned(),
            resource: resource.to_owned(),
            outcome: Outcome::Denied,
            error: Some("AccessDenied".to_owned()),
            operation: "s3.GetObject".to_owned(),
            endpoint: "s3.amazonaws.com:443".to_owned(),
            region: None,
            account: None,
            access_key_id: Some("AKIA".to_owned()),
            medium: Medium::Openssl,
        },
    }
}

#[test]
fn calls_are_counted_by_all_that_a_row_says() {
    let mut calls = Calls::default();
    assert_eq!(calls.add(subject("a"), call("x", 5)), Added::New);
    assert_eq!(calls.add(subject("a"), call("x", 3)), Added::Again);
    assert_eq!(calls.add(subject("b"), call("x", 4)), Added::New);
    assert_eq!(calls.add(subject("a"), call("y", 4)), Added::New);
    assert_eq!(
        (
            calls.recorded(Medium::Openssl),
            calls.recorded(Medium::Http)
        ),
        (4, 0)
    );
    let first = &calls.usages()[0];
    assert_eq!(
        (first.count, first.first_boottime_ns, first.last_boottime_ns),
        (2, 3, 5)
    );

    let frame = frame();
    let row = call_row(first, &frame, None);
    assert_eq!(row.principal.as_deref(), Some("AKIA"));
    assert_eq!(
        (row.source.as_str(), row.surface),
        ("cloud/openssl", Surface::Cloud)
    );
    assert_eq!(row.error.as_deref(), Some("AccessDenied"));
    let row = call_row(first, &frame, Some("arn:aws:iam::1:role/r"));
    assert_eq!(row.principal.as_deref(), Some("arn:aws:iam::1:role/r"));
}

#[test]
fn endpoints_of_one_name_are_one_row_that_gives_every_reason() {
    let mut calls = Calls::default();
    for (reason, seen) in [
        ("first", Some((4, 6))),
        ("second", None),
        ("first", Some((2, 3))),
    ] {
        let endpoint = Endpoint {
            subject: 1,
            name: "s3:443".to_owned(),
            connections: 1,
            reasons: vec![reason],
            seen_boottime_ns: seen,
            ..Endpoint::default()
        };
        calls.talked(subject("a"), endpoint);
    }
    let rows: Vec<_> = calls
        .endpoints()
        .map(|(subject, endpoint)| endpoint_row(subject, endpoint, &frame()))
        .collect();
    let [row] = &rows[..] else {
        panic!("one row, not {rows:?}");
    };
    assert_eq!(row.connections, 3);
    assert_eq!(row.unreadable_reason.as_deref(), Some("first; second"));
    assert_eq!((row.first_seen_us, row.last_seen_us), (1_000, 1_000));
    assert!(!row.is_complete());
}

fn frame() -> Frame {
    Frame {
        start_us: 0,
        end_us: 9,
        cluster: String::new(),
        node: String::new(),
        clock: Clock { offset_us: 1_000 },
    }
}
