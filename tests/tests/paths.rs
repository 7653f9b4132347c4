//! Names that are hard to carry arrive in the Parquet files byte for byte, and as text that a person and
//! a terminal can take. What is right is told by the program that opened them and the kernel's
//! `/proc/self/fd`.

use std::{collections::HashSet, fs, path::PathBuf, sync::OnceLock};

use anyhow::{Context, Result, ensure};
use arrow::array::{Array, BinaryArray, StringArray};
use whittle_schemas::table::{SubjectRow, text};
use whittle_tests::{
    recorded::{self, Recording},
    workload,
};

/// One recording for all tests of this file.
struct Run {
    recording: Recording,
    names: Vec<Name>,
    _folder: tempfile::TempDir,
}

/// What the program opened.
#[derive(Debug)]
struct Name {
    label: String,
    action: String,
    path: Vec<u8>,
}

fn run() -> &'static Run {
    static RUN: OnceLock<Run> = OnceLock::new();
    RUN.get_or_init(|| record().unwrap_or_else(|error| panic!("{error:?}")))
}

fn record() -> Result<Run> {
    let root = tempfile::tempdir().context("cannot make a temporary folder")?;
    let path = fs::canonicalize(root.path())?;
    let (folder, data) = (path.join("work"), path.join("data"));
    fs::create_dir(&folder)?;
    let workload = workload::names(&folder)?;
    let recording = recorded::record(&data, &folder, &workload.command)?;
    let messages = String::from_utf8_lossy(&recording.output.stderr);
    ensure!(
        recording.output.status.success(),
        "the program failed: {messages}"
    );
    let names = fs::read_to_string(folder.join("names.txt"))?;
    let names = names.lines().map(name).collect::<Result<_>>()?;
    Ok(Run {
        recording,
        names,
        _folder: root,
    })
}

fn name(line: &str) -> Result<Name> {
    let mut words = line.split(' ').map(str::to_owned);
    let mut word = || {
        words
            .next()
            .context("the program writes three words in a line")
    };
    let (label, action, digits) = (word()?, word()?, word()?);
    let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16);
    let path = (0..digits.len())
        .step_by(2)
        .map(byte)
        .collect::<Result<_, _>>()?;
    Ok(Name {
        label,
        action,
        path,
    })
}

/// Names with this label are in the usage table with the program's action and path.
#[track_caller]
fn check(labels: &[&str]) {
    let run = run();
    for label in labels {
        let name = run
            .names
            .iter()
            .find(|name| name.label == *label)
            .expect("the program opens it");
        let rows = run.recording.tables.usage.iter();
        let found: Vec<_> = rows.filter(|row| row.resource == name.path).collect();
        let alike = || {
            let last = name
                .path
                .rsplit(|&byte| byte == b'/')
                .next()
                .expect("splitting gives one part or more");
            let rows = run
                .recording
                .tables
                .usage
                .iter()
                .filter(|row| row.resource.ends_with(last));
            let shown: Vec<_> = rows
                .map(|row| format!("{} {}", row.action, text::escape(&row.resource)))
                .collect();
            shown.join("\n")
        };
        let wanted = text::escape(&name.path);
        assert!(
            !found.is_empty(),
            "{label}: {wanted} ({} bytes) is in no row; alike:\n{}",
            name.path.len(),
            alike()
        );
        let actions: Vec<_> = found.iter().map(|row| row.action.as_str()).collect();
        assert!(
            actions.contains(&name.action.as_str()),
            "{label}: {wanted}: {actions:?}, not {}",
            name.action
        );
    }
}

#[test]
fn spaces_newlines_and_bytes_that_are_not_utf8_survive() {
    check(&[
        "space",
        "newline",
        "not-utf8",
        "utf8",
        "escape",
        "quote",
        "longest-component",
        "deleted-looking",
        "dots",
    ]);
}

#[test]
fn a_path_of_250_components_survives() {
    check(&["250-components"]);
}

#[test]
fn a_path_of_4095_bytes_survives() {
    check(&["4095-bytes", "4095-bytes-asked"]);
}

#[test]
fn one_name_in_two_folders_stays_two_paths_although_the_inode_is_the_same() {
    check(&[
        "hard-link-first",
        "hard-link-second",
        "reused-inode-first",
        "reused-inode-second",
    ]);
}

#[test]
fn a_file_whose_folder_was_renamed_has_both_paths() {
    check(&["folder-before", "folder-before-read", "folder-after-read"]);
}

#[test]
fn what_is_opened_first_in_a_folder_that_was_renamed_has_its_new_path() {
    check(&[
        "folder-after-other",
        "above-before",
        "above-after",
        "above-another",
    ]);
}

#[test]
fn what_is_opened_first_on_a_mount_that_was_elsewhere_before_has_its_new_path() {
    check_places("place");
    check(&["mount-before", "mount-after"]);
}

#[test]
fn one_file_on_a_mount_that_was_elsewhere_before_has_all_paths() {
    check_places("place-again");
    check_places("place-run");
    check_places("place-missing");
    // Who runs it is told apart, too.
    let subjects = &run().recording.tables.subjects;
    let runs_there = |row: &&SubjectRow| row.executable.ends_with(b"/true");
    let found: HashSet<_> = subjects
        .iter()
        .filter(runs_there)
        .map(|row| &row.executable)
        .collect();
    assert_eq!(found.len(), 20, "{found:?}");
}

/// All places where one file system was mounted one after the other.
fn check_places(label: &str) {
    let labels: Vec<_> = (0..20).map(|place| format!("{label}-{place}")).collect();
    check(&labels.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn what_is_in_no_folder_has_the_name_that_proc_shows() {
    check(&["deleted", "memfd", "pipe"]);
}

#[test]
fn a_processes_own_proc_folder_is_self() {
    check(&["proc-self", "proc-self-folder"]);
}

#[test]
fn a_device_and_the_root_have_their_names() {
    check(&["null", "root"]);
}

#[test]
fn an_overlayfs_file_has_its_merged_name_and_no_other() {
    check(&["overlay-lower", "overlay-copied-up", "overlay-upper"]);
    let run = run();
    let storage = run
        .recording
        .tables
        .usage
        .iter()
        .map(|row| PathBuf::from(text::escape(&row.resource)));
    let storage: Vec<_> = storage
        .filter(|path| path.ends_with("up/above") || path.ends_with("up/below"))
        .collect();
    assert!(
        storage.is_empty(),
        "the layer below was shown too: {storage:?}"
    );
}

#[test]
fn a_path_crosses_mounts() {
    check(&["bind-mount", "nested-mount"]);
}

#[test]
fn a_path_begins_at_the_processes_own_root() {
    check(&[
        "outside-of-chroot",
        "inside-of-chroot",
        "inside-of-chroot-another",
        "inside-of-chroot-in-a-mount",
        "outside-of-chroot-in-a-mount",
    ]);
}

#[test]
fn bytes_are_kept_exactly_where_the_text_had_to_be_escaped_and_only_there() {
    let run = run();
    let mut exact = 0;
    for batch in
        recorded::batches(&run.recording.data, "usage").expect("the tables were read before")
    {
        let column = |name: &str| {
            batch
                .column_by_name(name)
                .expect("every version has it")
                .clone()
        };
        let (texts, bytes) = (column("resource"), column("resource_bytes"));
        let texts = texts
            .as_any()
            .downcast_ref::<StringArray>()
            .expect("the resource is text");
        let bytes = bytes
            .as_any()
            .downcast_ref::<BinaryArray>()
            .expect("the bytes are binary");
        for (text, bytes) in texts.iter().zip(bytes) {
            let text = text.expect("a resource is in every row");
            assert!(
                !text.chars().any(char::is_control),
                "{text:?} would move a terminal's cursor"
            );
            match bytes {
                Some(bytes) => {
                    assert_ne!(text.as_bytes(), bytes);
                    exact += usize::from(run.names.iter().any(|name| name.path == bytes));
                }
                None => assert!(
                    !text.contains('\\'),
                    "{text} is escaped, but the bytes are missing"
                ),
            }
        }
    }
    let labels = ["newline", "not-utf8", "utf8", "escape"];
    assert!(
        exact >= labels.len(),
        "{exact} names with exact bytes, of {labels:?}"
    );
}
