//! `whittle doctor`: what this host lets whittle see, by hook family; `coverage` is what recordings lost.

mod coverage;

use std::{io, path::PathBuf, process::ExitCode};

use comfy_table::{Table, presets};
use serde::Serialize;
use whittle_agent::kernel::{self, Backend, KernelError, Limits, OpensslFile, Plan, Scope, Wanted};
use whittle_schemas::table::{CoverageRow, Table as _};

use crate::{data, format::Format};

/// Show what this host lets whittle see, by hook family, and why.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
The probes are loaded into the kernel, attached, and taken out again; nothing is recorded.

A family that is not observed is not complete in any report: whittle never takes silence for \
evidence.")]
pub struct Args {
    /// Show, too, what the recordings in this folder saw and lost.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Form of the answer: text for people, json for programs.
    #[arg(long, value_enum, default_value_t = Format::Text, hide_possible_values = true)]
    pub format: Format,
}

/// What was found out.
#[derive(Debug, Serialize)]
struct Findings {
    kernel: String,
    machine: String,
    families: Vec<Observation>,
    /// Files in which plaintext is read at OpenSSL's functions, among those that are known without a program.
    openssl: Vec<Library>,
    programs: Vec<Program>,
    /// None where nobody asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    coverage: Option<Vec<coverage::Coverage>>,
}

#[derive(Debug, Serialize)]
struct Library {
    path: String,
    functions: Vec<&'static str>,
    /// None: it is read.
    error: Option<String>,
}

#[derive(Debug, Serialize)]
struct Observation {
    family: &'static str,
    /// None: not observed.
    backend: Option<&'static str>,
    reason: String,
    blind_to: Vec<&'static str>,
}

#[derive(Debug, Serialize)]
struct Program {
    name: String,
    verified_instructions: u32,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The kernel lets nothing be loaded.
    #[error(transparent)]
    Kernel(#[from] KernelError),
    /// The recordings cannot be read.
    #[error(transparent)]
    Data(#[from] data::Error),
    /// The output went away or is full.
    #[error("the answer cannot be written ({0}): check where the output goes")]
    Output(#[from] io::Error),
}

/// Loads the probes, and says what came of it.
///
/// # Errors
/// The kernel lets nothing be loaded, and the sentence says what is missing; or the output is full.
pub fn run(args: &Args) -> Result<ExitCode, Error> {
    let coverage = args.data.as_deref().map(lost).transpose()?;
    let wanted = Wanted {
        backend: None,
        syscalls: true,
        tls: true,
    };
    let probes = kernel::load(Scope::Chosen, Limits::default(), wanted)?;
    let uname = rustix::system::uname();
    let programs = probes.verified().into_iter();
    let findings = Findings {
        kernel: uname.release().to_string_lossy().into_owned(),
        machine: uname.machine().to_string_lossy().into_owned(),
        families: families(&probes.attached().plan),
        openssl: probes.openssl_files().iter().map(library).collect(),
        programs: programs
            .map(|(name, verified_instructions)| Program {
                name,
                verified_instructions,
            })
            .collect(),
        coverage,
    };
    let text = match args.format {
        Format::Text => text(&findings),
        Format::Json => json(&findings),
    };
    crate::report::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// What recordings in a data root lost. Damaged files go to stderr.
fn lost(root: &std::path::Path) -> Result<Vec<coverage::Coverage>, data::Error> {
    for sentence in data::open(root)?.sentences {
        eprintln!("whittle: {sentence}");
    }
    let rows = data::read_files(root, &data::files(root, CoverageRow::NAME)?);
    if let Some(sentence) = data::damage_sentence(&rows.damaged, rows.files) {
        eprintln!("whittle: {sentence}");
    }
    Ok(coverage::of(&rows.tables.coverage))
}

fn library(file: &OpensslFile) -> Library {
    Library {
        path: file.path.display().to_string(),
        functions: file.functions.clone(),
        error: file.error.clone(),
    }
}

/// Where plaintext is read; what programs bring themselves is found when they open it.
fn libraries(libraries: &[Library]) -> String {
    let line = |library: &Library| match &library.error {
        None => format!("  {}: {}\n", library.path, library.functions.join(", ")),
        Some(error) => format!("  {}: not read, for {error}\n", library.path),
    };
    let lines: String = libraries.iter().map(line).collect();
    if lines.is_empty() {
        "No OpenSSL was found among this host's libraries; what a program brings is read when it opens it.\n".to_owned()
    } else {
        format!("OpenSSL of this host, besides what a program brings:\n{lines}")
    }
}

fn json(findings: &Findings) -> String {
    serde_json::to_string_pretty(findings).expect("plain values are always JSON") + "\n"
}

fn families(plan: &Plan) -> Vec<Observation> {
    let family = |entry: &kernel::FamilyPlan| Observation {
        family: entry.family.name(),
        backend: entry.backend.map(Backend::name),
        reason: entry.reason.clone(),
        blind_to: entry
            .backend
            .map_or_else(Vec::new, |backend| backend.blind_to(entry.family).to_vec()),
    };
    plan.families.iter().map(family).collect()
}

fn text(findings: &Findings) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header([
        "hook family",
        "backend",
        "why",
        "does not see",
    ]);
    for family in &findings.families {
        table.add_row([
            family.family.to_owned(),
            family.backend.unwrap_or("none").to_owned(),
            family.reason.clone(),
            family.blind_to.join(", "),
        ]);
    }
    let observed = findings
        .families
        .iter()
        .filter(|family| family.backend.is_some())
        .count();
    let lost = findings.coverage.as_deref();
    let lost = lost.map_or_else(String::new, |lost| format!("\n{}", coverage::text(lost)));
    format!(
        "Linux {} on {}: {observed} of {} hook families can be observed.\n\n{table}\n\n{}{lost}",
        findings.kernel,
        findings.machine,
        findings.families.len(),
        libraries(&findings.openssl),
    )
}
