//! A program that calls itself by hostile bytes: its file, its process, its command line, its script and its control group. What
//! a person sees of it is harmless, what a program reads is exact.

use std::{
    ffi::OsStr,
    fs,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use arrow::{
    array::{AsArray, StringArray},
    datatypes::DataType,
};
use whittle_schemas::table::text::escape;
use whittle_tests::{
    peer::peer,
    recorded,
    weather::{self, record, recorder, who},
    workload,
};

/// A title for the terminal, a line break, what is no UTF-8, and a colour.
const HOSTILE: &[u8] = b"\x1b]0;pwn\x07\n\xff\x9b31m";
/// The same for a control group, which cannot have a line break in its name.
const GROUP: &[u8] = b"\x1b[2J\x07\xff\x9b31m.service";

/// Opens what the last argument names.
const SCRIPT: &str = "import sys\nopen(sys.argv[-1]).close()\n";

#[test]
fn hostile_names_reach_no_terminal_and_the_tables_exactly() -> Result<()> {
    workload::needs(&["gcc", "python3"])?;
    let (_guard, folder) = weather::folder()?;
    let (data, program) = (folder.join("data"), folder.join(OsStr::from_bytes(HOSTILE)));
    let source = peer("weather").join("hostile.c");
    let compiled = folder.join("hostile");
    let status = Command::new("gcc")
        .arg("-o")
        .arg(&compiled)
        .arg(source)
        .status()?;
    ensure!(status.success(), "gcc: {status}");
    fs::copy(&compiled, &program)?;
    let script = [HOSTILE, b".py"].concat();
    let script = folder.join(OsStr::from_bytes(&script));
    fs::write(&script, SCRIPT)?;
    for name in ["by-program", "by-script"] {
        fs::write(folder.join(name), "")?;
    }
    let groups = unified()?;
    let run = r#"set -e
        ./hostile by-program "$1" "$2" "$3"
        python3 "$4" by-script"#;
    let mut command = ["sh", "-c", run, "sh"].map(OsStr::new).to_vec();
    let group = OsStr::from_bytes(GROUP);
    command.extend([
        program.as_os_str(),
        groups.as_os_str(),
        group,
        script.as_os_str(),
    ]);
    let command: Vec<_> = command.into_iter().map(OsStr::to_os_string).collect();
    let weathered = record(&data, &mut recorder(&data, &folder, &command)?);
    fs::remove_dir(groups.join(group))?;
    let tables = weathered?.recording.tables;

    let by_program = who(&tables, &folder.join("by-program"));
    let [(row, subject)] = by_program.as_slice() else {
        anyhow::bail!("{by_program:?}");
    };
    assert_eq!(row.count, 1);
    assert_eq!(subject.executable, program.as_os_str().as_bytes());
    let unit = subject
        .systemd_unit
        .as_deref()
        .context("it is in the group")?;
    assert_eq!(unit, escape(GROUP));
    let by_script = who(&tables, &folder.join("by-script"));
    let [(_, subject)] = by_script.as_slice() else {
        anyhow::bail!("{by_script:?}");
    };
    assert_eq!(
        subject.script.as_deref(),
        Some(script.as_os_str().as_bytes())
    );

    for table in ["usage", "subjects", "coverage", "endpoints"] {
        every_text_is_harmless(&data, table)?;
    }
    let queries = ["SELECT * FROM usage", "SELECT * FROM subjects"];
    let reports = [&["report"][..], &["report", "--format", "json"]];
    let queries = queries.iter().map(|sql| vec!["query", sql]);
    for command in reports.iter().map(|words| words.to_vec()).chain(queries) {
        let output = recorded::whittle()?
            .args(&command)
            .arg("--data")
            .arg(&data)
            .output()?;
        ensure!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stdout).with_context(|| format!("{command:?}"))?;
        ensure!(text.contains("pwn"), "{command:?} shows nothing");
        let control = text
            .chars()
            .find(|letter| letter.is_control() && *letter != '\n');
        ensure!(control.is_none(), "{command:?} prints {control:?}");
    }
    Ok(())
}

/// No column of text moves a cursor or breaks a line.
fn every_text_is_harmless(data: &Path, table: &str) -> Result<()> {
    for batch in recorded::batches(data, table)? {
        for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
            let texts: Vec<&StringArray> = match field.data_type() {
                DataType::Utf8 => vec![column.as_string()],
                DataType::List(item) if item.data_type() == &DataType::Utf8 => {
                    vec![column.as_list::<i32>().values().as_string()]
                }
                _ => Vec::new(),
            };
            for text in texts.into_iter().flatten().flatten() {
                let control = text.chars().any(char::is_control);
                ensure!(!control, "{table}.{}: {text:?}", field.name());
            }
        }
    }
    Ok(())
}

/// Where control groups of version 2 are mounted.
fn unified() -> Result<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mountinfo")?;
    let line = mounts.lines().find(|line| line.contains(" - cgroup2 "));
    let point = line.and_then(|line| line.split(' ').nth(4));
    Ok(PathBuf::from(point.context("cgroup v2 is not mounted")?))
}
