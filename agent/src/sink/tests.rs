//! The sink against real file systems: what the tests below share. `disk` fills, locks and replaces what it
//! writes to, `spool` kills its writer and damages what that left.

mod disk;
mod spool;

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use whittle_schemas::{
    record::Family,
    table::{CoverageRow, Outcome, SubjectRow, Surface, Table, Tables, UsageRow},
};

use super::{Place, Window};

pub(crate) const START_US: i64 = 1_790_000_000_000_000;
pub(crate) const WINDOW: Window = Window {
    start_us: START_US,
    end_us: START_US + 60_000_000,
};

pub(crate) fn place() -> Place {
    Place {
        cluster: "local".into(),
        node: "laptop".into(),
    }
}

pub(crate) fn usage(resource: impl Into<Vec<u8>>) -> UsageRow {
    UsageRow {
        window_start_us: START_US,
        window_end_us: 0,
        cluster: "local".into(),
        node: "laptop".into(),
        subject_id: "s-1".into(),
        principal: None,
        surface: Surface::File,
        action: "read".into(),
        resource: resource.into(),
        resource_detail: None,
        outcome: Outcome::Allowed,
        error: None,
        count: 2,
        first_seen_us: START_US + 1,
        last_seen_us: START_US + 5_000_000,
        source: "file/syscall".into(),
    }
}

pub(crate) fn coverage(family: Family) -> CoverageRow {
    CoverageRow {
        window_start_us: START_US,
        window_end_us: 0,
        cluster: "local".into(),
        node: "laptop".into(),
        family: family.name().into(),
        backend: "syscall".into(),
        backend_reason: "the kernel refuses trampolines".into(),
        seen: 10,
        recorded: 7,
        lost: 3,
        lost_ring_full: 3,
        lost_subject_unknown: 0,
        lost_object_unknown: 0,
        lost_nested: 0,
        lost_unsupported: 0,
        lost_unresolved: 0,
        map_full: 0,
        truncated: 0,
        gap_us: 0,
        gap_reason: None,
        subject_id: None,
        cloud_connections: None,
        cloud_readable: None,
    }
}

pub(crate) fn subject() -> SubjectRow {
    SubjectRow {
        window_start_us: START_US,
        window_end_us: 0,
        cluster: "local".into(),
        node: "laptop".into(),
        subject_id: "s-1".into(),
        executable: b"/usr/bin/cat".into(),
        build_id: None,
        script: None,
        uid: 0,
        user: None,
        workload_kind: None,
        workload_name: None,
        workload_namespace: None,
        workload_container: None,
        service_account: None,
        image: None,
        image_digest: None,
        systemd_unit: None,
        job_ids: None,
        spiffe_id: None,
        principals: None,
        environment: None,
        owner: None,
        instance_id: "i-1".into(),
        container_id: None,
        cgroup: None,
        tgid: 7,
        start_time_us: START_US,
        parent_tgid: None,
        first_seen_us: START_US,
        last_seen_us: START_US,
        cap_effective: None,
        cap_permitted: None,
        cap_inheritable: None,
        cap_bounding: None,
        cap_ambient: None,
        seccomp_mode: None,
        no_new_privs: None,
        mounts: None,
        secrets_mounted: None,
    }
}

fn tables() -> Tables {
    let long = [b"/".as_slice(), &[0xff; 4094]].concat();
    let coverage = Family::ALL.map(coverage).to_vec();
    Tables {
        usage: vec![usage("/a b\nc"), usage(long)],
        subjects: vec![subject()],
        coverage,
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
