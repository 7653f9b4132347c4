//! The programs that are watched, each made from scratch in a folder of its own: nothing of the source
//! tree is needed where they run. Their scripts are in `peers/`.

mod apt;
mod compile;
mod git;

use std::{ffi::OsString, fs, path::Path, process::Command};

use anyhow::{Context, Result, ensure};

pub use self::{apt::apt, compile::compile, git::git};

/// A program, ready to run in a folder.
#[derive(Debug)]
pub struct Workload {
    /// Name for messages.
    pub name: &'static str,
    /// The command and its arguments.
    pub command: Vec<OsString>,
}

impl Workload {
    fn new(name: &'static str, command: &[&str]) -> Self {
        Self {
            name,
            command: command.iter().map(OsString::from).collect(),
        }
    }
}

/// How much of a workload to run, in hundredths, from `WHITTLE_SCALE`; an emulated CPU takes 20.
///
/// # Errors
/// The variable is there and is not a number.
pub fn scale() -> Result<usize> {
    let scale = match std::env::var("WHITTLE_SCALE") {
        Ok(text) => text
            .parse()
            .with_context(|| format!("WHITTLE_SCALE is {text:?} and has to be a number"))?,
        Err(_) if std::env::var_os("WHITTLE_VM").is_some() => 20,
        Err(_) => 100,
    };
    println!("scale: {scale} % (WHITTLE_SCALE)");
    Ok(scale)
}

/// A Python program that imports, reads, writes, starts children and threads, and uses sockets.
///
/// # Errors
/// The folder cannot be written.
pub fn python(folder: &Path) -> Result<Workload> {
    needs(&["python3"])?;
    script(folder, "program.py", include_str!("../peers/python.py"))?;
    Ok(Workload::new("python", &["python3", "program.py"]))
}

/// curl, which reads a file and is refused a connection.
///
/// # Errors
/// There is no curl.
pub fn curl(_: &Path) -> Result<Workload> {
    needs(&["curl"])?;
    let refused = "http://127.0.0.1:9/";
    Ok(Workload::new(
        "curl",
        &["curl", "--silent", "file:///etc/passwd", refused],
    ))
}

/// A shell pipeline of a thousand short processes.
///
/// # Errors
/// The folder cannot be written.
pub fn pipeline(folder: &Path) -> Result<Workload> {
    script(folder, "pipeline.sh", include_str!("../peers/pipeline.sh"))?;
    let processes = (10 * scale()?).to_string();
    Ok(Workload::new(
        "pipeline",
        &["sh", "pipeline.sh", &processes],
    ))
}

/// A program that is refused for each of the reasons that there are.
///
/// # Errors
/// The folder cannot be written.
pub fn refused(folder: &Path) -> Result<Workload> {
    needs(&["unshare", "python3"])?;
    script(folder, "refused.sh", include_str!("../peers/refused.sh"))?;
    Ok(Workload::new(
        "refused",
        &["unshare", "--mount", "sh", "refused.sh", "65534"],
    ))
}

/// A program that makes the calls which programs seldom make.
///
/// # Errors
/// The folder cannot be written.
pub fn calls(folder: &Path) -> Result<Workload> {
    needs(&["python3", "env"])?;
    script(folder, "calls.py", include_str!("../peers/calls.py"))?;
    Ok(Workload::new("calls", &["python3", "calls.py"]))
}

/// A program that opens files with names that are hard to carry, and writes what it opened to `names.txt`.
///
/// # Errors
/// The folder cannot be written.
pub fn names(folder: &Path) -> Result<Workload> {
    needs(&["unshare", "mount", "python3"])?;
    script(folder, "names.py", include_str!("../peers/names.py"))?;
    Ok(Workload::new(
        "names",
        &["unshare", "--mount", "python3", "names.py"],
    ))
}

/// A program that opens `different` files in the new folder `many`, and then the first one `again` times.
///
/// # Errors
/// The folder cannot be written.
pub fn many(folder: &Path, different: usize, again: usize) -> Result<Workload> {
    needs(&["python3"])?;
    script(folder, "many.py", include_str!("../peers/many.py"))?;
    let (different, again) = (different.to_string(), again.to_string());
    Ok(Workload::new(
        "many",
        &["python3", "many.py", "many", &different, &again],
    ))
}

/// Checks that all of these programs can be found.
///
/// # Errors
/// One is missing: then nothing can be shown, and a test has to fail rather than pass in silence.
pub fn needs(tools: &[&str]) -> Result<()> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    for tool in tools {
        let found = std::env::split_paths(&path).any(|folder| folder.join(tool).is_file());
        ensure!(found, "this test needs {tool}, which is not installed");
    }
    Ok(())
}

fn script(folder: &Path, name: &str, text: &str) -> Result<()> {
    let path = folder.join(name);
    fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// Runs a command that prepares a workload.
fn prepare(folder: &Path, program: &str, arguments: &[&str]) -> Result<()> {
    let mut command = Command::new(program);
    let output = command.args(arguments).current_dir(folder).output();
    let output = output.with_context(|| format!("cannot run {program}"))?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "{program} {} failed: {errors}",
        arguments.join(" ")
    );
    Ok(())
}
