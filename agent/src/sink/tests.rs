//! The sink against real file systems: what the tests below share. `disk` fills, locks and replaces what it
//! writes to, `spool` kills its writer and damages what that left, `alike` has accesses that are like each other.

mod alike;
mod disk;
mod spool;

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use whittle_schemas::{
    record::Family,
    table::{CoverageRow, Outcome, SubjectRow, Surface, Table, Tables, UsageRow, sample},
};

use super::{Place, Window};
use crate::model::{Deed, Instance, Subject, Workload};

pub(crate) const START_US: i64 = sample::START_US;
pub(crate) const WINDOW: Window = Window {
    start_us: START_US,
    end_us: sample::END_US,
};

pub(crate) fn place() -> Place {
    Place {
        cluster: "local".into(),
        node: "laptop".into(),
    }
}

pub(crate) fn usage(resource: impl Into<Vec<u8>>) -> UsageRow {
    UsageRow {
        window_end_us: 0,
        resource: resource.into(),
        ..sample::usage()
    }
}

pub(crate) fn coverage(family: Family) -> CoverageRow {
    CoverageRow {
        window_end_us: 0,
        family: family.name().into(),
        seen: 10,
        recorded: 7,
        lost: 3,
        lost_ring_full: 3,
        ..sample::coverage()
    }
}

pub(crate) fn subject() -> SubjectRow {
    SubjectRow {
        window_end_us: 0,
        ..sample::subject()
    }
}

fn tables() -> Tables {
    let long = [b"/".as_slice(), &[0xff; 4094]].concat();
    let coverage = Family::ALL.map(coverage).to_vec();
    Tables {
        usage: vec![usage("/a b\nc"), usage(long)],
        subjects: vec![subject()],
        coverage,
        endpoints: vec![sample::endpoint()],
    }
}

/// All rows of a table under a data root, by plain Parquet reads of every file that is not hidden.
fn rows<T: Table>(root: &Path) -> Vec<T> {
    let mut files = files_below(&root.join(T::NAME));
    files.retain(|file| {
        file.extension()
            .is_some_and(|extension| extension == "parquet")
    });
    let batches = files.into_iter().flat_map(|file| {
        let file = File::open(file).expect("the file is there");
        ParquetRecordBatchReaderBuilder::try_new(file)
            .expect("it is Parquet")
            .build()
            .expect("it is Parquet")
    });
    batches
        .flat_map(|batch| T::from_batch(&batch.expect("it is whole")).expect("it is the table's"))
        .collect()
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let paths = entries.map(|entry| entry.expect("the folder is listed").path());
    let mut files: Vec<_> = paths
        .flat_map(|path| {
            if path.is_dir() {
                files_below(&path)
            } else {
                vec![path]
            }
        })
        .collect();
    files.sort();
    files
}

/// What was touched, which is no text.
pub(crate) const RESOURCE: &[u8] = b"/srv/\xff\n";

pub(crate) fn somebody() -> Subject {
    Subject {
        subject_id: "s-1".to_owned(),
        executable: b"/usr/bin/python3".to_vec(),
        build_id: None,
        script: None,
        uid: 1_000,
        user: None,
        cgroup: None,
        workload: Workload::default(),
        instance: Instance::default(),
    }
}

pub(crate) fn deed() -> Deed {
    Deed {
        family: Family::File,
        surface: Surface::File,
        action: "write+create".into(),
        detail: Some("pipe".to_owned()),
        outcome: Outcome::Denied,
        error: Some("EACCES"),
    }
}
