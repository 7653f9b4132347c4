//! Accesses come back from the spool as they were, those that say what they share with others by reference, too.

use std::rc::Rc;

use whittle_schemas::table::UsageRow;

use super::{RESOURCE, START_US, deed, place, rows, somebody};
use crate::{
    model::{Clock, Subject},
    sink::{Append, Frame, Spool, Touched, recover},
    window,
};

#[test]
fn an_access_comes_back_from_the_spool_as_the_row_that_its_window_would_have_had() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (who, deed, at_us) = (somebody(), deed(), START_US + 7);
    let mut spool = Spool::create(folder.path(), &place(), START_US, None).expect("it is new");
    let touched = Touched::new(&who, &deed, RESOURCE, "syscall", at_us);
    spool
        .append(&Frame::Touched(touched))
        .expect("the disk has room");
    drop(spool);
    recover(folder.path(), at_us).expect("the spools are listed");

    let doing = window::Doing {
        number: 0,
        subject: Rc::new(who),
        deed,
    };
    let usage = window::Usage {
        doing: &doing,
        resource: RESOURCE,
        count: 1,
        first_boottime_ns: 0,
        last_boottime_ns: 0,
    };
    let frame = window::Frame {
        start_us: START_US,
        end_us: at_us,
        cluster: place().cluster,
        node: place().node,
        clock: Clock { offset_us: at_us },
    };
    let expected = window::usage_row(usage, &frame, "file/syscall");
    let recovered = rows::<UsageRow>(folder.path());
    let recovered: Vec<_> = recovered.iter().map(UsageRow::borrowed).collect();
    assert_eq!(recovered, [expected]);
}

#[test]
fn accesses_that_are_like_each_other_come_back_one_by_one() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut spool = Spool::create(folder.path(), &place(), START_US, None).expect("it is new");
    let subjects = ["s-1", "s-2"].map(|id| Subject {
        subject_id: id.to_owned(),
        ..somebody()
    });
    // Of more than one group, and of two subjects that take turns.
    let deed = deed();
    let accesses: Vec<_> = (0..1_000)
        .map(|number: i64| {
            let resource = format!("/srv/{number}").into_bytes();
            (
                usize::from(number % 40 > 30),
                resource,
                START_US + 1_000 - number,
            )
        })
        .collect();
    for (subject, resource, at_us) in &accesses {
        let touched = || Touched::new(&subjects[*subject], &deed, resource, "syscall", *at_us);
        let spooled = spool.touch(*subject as u64, resource, *at_us, touched);
        assert_eq!(spooled, Append::Spooled);
    }
    spool.flush().expect("the disk has room");
    drop(spool);
    recover(folder.path(), START_US + 2_000).expect("the spools are listed");

    let recovered = rows::<UsageRow>(folder.path());
    let recovered = recovered.iter().map(|row| {
        (
            &*row.subject_id,
            &row.resource,
            row.first_seen_us,
            &*row.source,
        )
    });
    let expected = accesses.iter().map(|(subject, resource, at_us)| {
        let id = &*subjects[*subject].subject_id;
        (id, resource, *at_us, "file/syscall")
    });
    assert!(recovered.eq(expected));
}
