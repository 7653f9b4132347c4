//! `whittle report`: what each subject used, was denied and failed at, and how much of it could be seen.
//! `summary` says what; `text`, `page` and `folder` how it looks. Held against grants it is `evidence`.

mod cloud;
pub mod evidence;
mod folder;
mod page;
#[cfg(test)]
pub(crate) mod sample;
mod summary;
#[cfg(test)]
mod tests;
mod text;
pub(crate) mod time;
pub(crate) mod words;

use std::{
    io::{self, IsTerminal, Write},
    path::PathBuf,
    process::ExitCode,
};

use self::evidence::{FailOn, GrantArgs};
pub use self::{
    page::Style,
    summary::{Access, Family, Subject, Summary},
    text::render,
};
use crate::{data, format::Format};

/// Show what each subject used, grouped by kind and folder, with what was denied apart.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Examples:
  whittle report                          what was recorded into ./whittle-data
  whittle report --subject job.py --all   every file of one script, none folded
  whittle report --grants account.json    used versus granted, by role and user
  whittle report --format json |
    jq '.subjects[].accesses[] | select(.outcome == \"denied\")'

The coverage comes first: only where it is complete does a file that is not listed mean that the \
file was not used. Control characters and odd bytes in paths are shown as \\n or \\xNN.

With --grants each permission is used, attempted (only denied), implied (not visible from a host), \
unused (over complete coverage), unknown, or ungranted (used without a known grant). --fail-on gives \
exit status 3 where one of its statuses is in the report.

Damaged files are named and passed over; the exit status is then 1, and the coverage not complete.")]
pub struct Args {
    /// Folder that `whittle record --out` wrote.
    #[arg(long, value_name = "DIR", default_value = data::DEFAULT_ROOT)]
    pub data: PathBuf,
    /// Show only subjects whose executable, script, user or id contains this.
    #[arg(long, value_name = "PART")]
    pub subject: Option<String>,
    /// List every file by its whole path instead of folding folders.
    #[arg(long)]
    pub all: bool,
    /// Form of the report: text for people, json for programs.
    #[arg(long, value_enum, default_value_t = Format::Text, hide_possible_values = true)]
    pub format: Format,
    /// Grants to hold it against.
    #[command(flatten)]
    pub grants: GrantArgs,
    /// Exit with 3 where the evidence has one of these: used, attempted, implied, unused, unknown, ungranted.
    #[arg(
        long,
        value_name = "STATUS",
        value_enum,
        value_delimiter = ',',
        requires = "grants",
        hide_possible_values = true
    )]
    pub fail_on: Vec<FailOn>,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The data root cannot be read.
    #[error(transparent)]
    Data(#[from] data::Error),
    /// Every file of the data root is damaged.
    #[error("no file of the folder can be read: {0}")]
    AllDamaged(String),
    /// No subject matches.
    #[error(
        "no subject's executable, script, user or id contains {0:?}: run `whittle report` without --subject to see all"
    )]
    NoSuchSubject(String),
    /// The grants cannot be read.
    #[error(transparent)]
    Grants(#[from] evidence::LoadError),
    /// What was used cannot be held against them.
    #[error(transparent)]
    Evidence(#[from] evidence::Error),
    /// The output went away or is full.
    #[error("the report cannot be written ({0}): check where its output goes")]
    Output(#[from] io::Error),
}

/// Exit status where a `--fail-on` condition holds.
const FAILED_ON: u8 = 3;

/// Reads a data root and prints the report. Damage goes to stderr, and makes the exit status 1.
///
/// # Errors
/// The folder is not a data root, nothing of it can be read, or no subject matches.
pub fn run(args: &Args) -> Result<ExitCode, Error> {
    let grants = args.grants.load()?;
    let opened = data::open(&args.data)?;
    for sentence in &opened.sentences {
        eprintln!("whittle: {sentence}");
    }
    let rows = data::read(&args.data)?;
    if let Some(sentence) = data::damage_sentence(&rows.damaged, rows.files) {
        if rows.files == 0 {
            return Err(Error::AllDamaged(sentence));
        }
        eprintln!("whittle: {sentence}");
    }
    let unread = rows.damaged.len() + opened.unrecovered;
    let summary = Summary::of(&rows.tables, args.subject.as_deref()).without(unread);
    if let Some(subject) = args
        .subject
        .as_ref()
        .filter(|_| summary.subjects.is_empty())
    {
        return Err(Error::NoSuchSubject(subject.clone()));
    }
    let Some(grants) = grants else {
        print(&match args.format {
            Format::Text => render(&summary, style(args.all)),
            Format::Json => json(&summary),
        })?;
        return Ok(data::status(unread));
    };
    let subject = args.subject.as_deref();
    let report = args.grants.assess(&rows.tables, grants, subject, unread)?;
    print(&evidence::render(
        &report,
        &summary,
        args.format,
        style(args.all),
    ))?;
    if unread == 0 && evidence::fails(&report, &args.fail_on) {
        return Ok(ExitCode::from(FAILED_ON));
    }
    Ok(data::status(unread))
}

/// The style that suits standard output: colours only on a terminal.
#[must_use]
pub fn style(all: bool) -> Style {
    style_for(io::stdout().is_terminal(), all)
}

/// The style for an output that is a terminal, or is not.
#[must_use]
pub fn style_for(terminal: bool, all: bool) -> Style {
    let colour = terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let width = comfy_table::Table::new().width().filter(|_| terminal);
    Style {
        colour,
        width: width.map_or(100, |width| width.clamp(60, 140)),
        all,
    }
}

/// The report for programs, ended by a newline.
///
/// # Panics
/// Never: the keys of a summary are text and its values plain, which is always JSON.
#[must_use]
pub fn json(summary: &Summary) -> String {
    let mut text =
        serde_json::to_string_pretty(summary).expect("text keys and plain values are always JSON");
    text.push('\n');
    text
}

/// Prints to standard output. A reader that has seen enough, such as `head`, is no failure.
pub(crate) fn print(text: &str) -> io::Result<()> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}
