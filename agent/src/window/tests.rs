//! Counting is exact, whatever the order.

use proptest::prelude::*;
use whittle_schemas::table::{Outcome, Surface};
use zerocopy::FromZeros;

use crate::model::{Instance, Touch, Workload};

use super::*;

fn access(subject: u8, resource: u8, boottime_ns: u64) -> Access {
    let mut key = UsageKey::new_zeroed();
    (key.subject, key.object[0], key.family) =
        (subject.into(), resource.into(), Family::File as u8);
    Access {
        subject: Rc::new(Subject {
            subject_id: subject.to_string(),
            executable: Vec::new(),
            build_id: None,
            script: None,
            uid: 0,
            user: None,
            cgroup: None,
            workload: Workload::default(),
            instance: Instance::default(),
        }),
        touch: Touch {
            key,
            generation: 0,
            boottime_ns,
            tgid: 1,
            deed: Deed {
                family: Family::File,
                surface: Surface::File,
                action: "read".to_owned(),
                resource: vec![resource],
                detail: None,
                outcome: Outcome::Allowed,
                error: None,
            },
        },
    }
}

#[test]
fn repeats_without_a_first_sight_are_unresolved_and_not_forgotten() {
    let mut window = Window::default();
    let known = access(1, 1, 5);
    let mut unknown = known.touch.key;
    unknown.object[0] = 9;
    assert_eq!(window.add(known.clone()), Added::New);
    window.repeat(&known.touch.key, 3, 11);
    window.repeat(&unknown, 4, 11);
    assert_eq!(
        (
            window.recorded(Family::File),
            window.unresolved(Family::File)
        ),
        (4, 4)
    );
    assert_eq!(window.usages()[0].last_boottime_ns, 11);
}

proptest! {
    #[test]
    fn the_sum_of_counts_is_the_number_of_accesses(
        touches in proptest::collection::vec((0_u8..4, 0_u8..6, 0_u64..1_000, 0_u64..50), 0..200)
    ) {
        let mut window = Window::default();
        let mut expected = 0;
        for (subject, resource, time, repeats) in touches {
            let access = access(subject, resource, time);
            let key = access.touch.key;
            prop_assert_ne!(window.add(access), Added::Refused);
            window.repeat(&key, repeats, time);
            expected += 1 + repeats;
        }
        prop_assert_eq!(window.recorded(Family::File), expected);
        prop_assert!(window.usages().len() <= 24);
        for usage in window.usages() {
            prop_assert!(usage.first_boottime_ns <= usage.last_boottime_ns);
        }
    }
}
