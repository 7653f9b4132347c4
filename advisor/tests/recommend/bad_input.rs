//! Bad input ends with 1, and one sentence that says what to do.

use super::*;

/// What it says on stderr, in one line.
fn check(data: &Data, arguments: &[&str], expected: &str) {
    let output = data.whittle(arguments);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
    let last = said.lines().last().unwrap_or_default();
    assert!(
        last.starts_with("whittle: ") && last.contains(expected),
        "{arguments:?}: {said}"
    );
}

#[test]
fn nobody_of_that_name_is_told_who_there_is() {
    let data = Data::of(1);
    check(
        &data,
        &[
            "recommend",
            "--for",
            "arn:aws:iam::1:role/x",
            "--as",
            "aws-iam",
        ],
        ROLE,
    );
    check(
        &data,
        &["recommend", "--for", "nobody", "--as", "seccomp"],
        "/usr/bin/python3 /srv/job.py",
    );
}

#[test]
fn without_system_calls_there_is_no_profile() {
    let data = Data::of(1);
    let folder = data.path("data/usage");
    fs::remove_dir_all(folder).expect("the table is there");
    check(
        &data,
        &["recommend", "--for", "job.py", "--as", "seccomp"],
        "record with --syscalls",
    );
}

#[test]
fn a_policy_that_is_none_is_named() {
    let data = Data::of(1);
    let bad = |name: &str, content: &[u8], expected: &str| {
        fs::write(data.path(name), content).expect("a file is written");
        check(&data, &["replay", "--policy", name], expected);
    };
    bad("empty.json", b"", "empty.json");
    bad(
        "cut.json",
        b"{\"Statement\": [",
        "cut.json is neither JSON nor YAML",
    );
    bad(
        "list.json",
        br#"{"Version":"2012-10-17","Statement":[{"Effect":"Maybe","Action":"*","Resource":"*"}]}"#,
        "Effect",
    );
    bad(
        "roles.json",
        br#"{"Roles":[]}"#,
        "roles.json is no policy that can be replayed",
    );
    bad("bytes.json", b"\xff\xfe", "bytes.json is not UTF-8");
    check(
        &data,
        &["replay", "--policy", "missing.json"],
        "missing.json cannot be read",
    );
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let data = Data::of(1);
    fs::write(data.path("file"), "").expect("a file is written");
    let arguments = [
        "recommend",
        "--for",
        "job.py",
        "--as",
        "aws-iam",
        "--out",
        "file/inner/",
    ];
    check(&data, &arguments, "cannot be written");
}
