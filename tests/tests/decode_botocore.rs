//! `whittle decode` against botocore: every operation of every service in every protocol that the service lists, made by
//! botocore's own serializers, and a sample of calls whose actions and resources were written down by hand.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs::File,
    path::Path,
    process::Command,
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use whittle_protocol::aws;
use whittle_tests::recorded::whittle;
use xtask::{places, setup::venv};

/// Deprecated operations that nothing on the wire tells from those that replaced them.
const REPLACED: [(&str, &str); 4] = [
    ("GetBucketLifecycle", "GetBucketLifecycleConfiguration"),
    ("PutBucketLifecycle", "PutBucketLifecycleConfiguration"),
    (
        "GetBucketNotification",
        "GetBucketNotificationConfiguration",
    ),
    (
        "PutBucketNotification",
        "PutBucketNotificationConfiguration",
    ),
];

const SEED: &str = "20261122";

#[test]
fn every_operation_in_every_protocol_is_named_and_none_is_named_wrongly() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let answers = decoded(folder.path(), "serialize.py", &[SEED, "2"])?;
    let text = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
    let signing: HashMap<String, String> = answers
        .iter()
        .map(|answer| {
            (
                text(&answer["id"], "service"),
                text(&answer["id"], "signing_name"),
            )
        })
        .collect();
    let mut missed = Vec::new();
    let mut wrong = Vec::new();
    let mut alike: BTreeMap<String, usize> = BTreeMap::new();
    for answer in &answers {
        let asked = &answer["id"];
        if let Some(why) = answer["unmapped"].as_str() {
            missed.push(format!("{asked}: {why}"));
            continue;
        }
        let (operation, named) = (text(asked, "operation"), text(answer, "operation"));
        let (service, of) = (text(asked, "service"), text(answer, "service"));
        if operation != named && !REPLACED.contains(&(operation.as_str(), named.as_str())) {
            wrong.push(format!("{asked}: {of}.{named}"));
        } else if service != of {
            // Services that share a signing name share their actions too.
            if signing.get(&of) == signing.get(&service) {
                *alike.entry(format!("{service} as {of}")).or_default() += 1;
            } else {
                wrong.push(format!("{asked}: {of}.{named}"));
            }
        }
    }
    let count = |number: usize| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
    let named = 100.0 * (1.0 - count(missed.len()) / count(answers.len()));
    println!(
        "{} requests: {named:.3} % named, {} wrong",
        answers.len(),
        wrong.len()
    );
    println!("missed {}:\n{}", missed.len(), missed.join("\n"));
    println!("wrong {}:\n{}", wrong.len(), wrong.join("\n"));
    println!("operations that services share, and look alike: {alike:#?}");
    ensure!(
        answers.len() > 40_000,
        "botocore has {} operations",
        answers.len()
    );
    ensure!(wrong.is_empty(), "{} are named wrongly", wrong.len());
    ensure!(named >= 99.95, "{named:.3} % are named");
    lacking(&answers)
}

/// How stale the table is: what the installed botocore has and the table lacks.
fn lacking(answers: &[Value]) -> Result<()> {
    let lacking: BTreeSet<String> = answers
        .iter()
        .filter(|answer| {
            let why = answer["unmapped"].as_str().unwrap_or_default();
            why.starts_with("the table has no")
        })
        .map(|answer| format!("{}.{}", answer["id"]["service"], answer["id"]["operation"]))
        .collect();
    let print_version = "import botocore; print(botocore.__version__)";
    let version = Command::new(venv::ensure()?)
        .args(["-c", print_version])
        .output()?;
    let installed = String::from_utf8(version.stdout)?;
    let origin = aws::origin();
    println!(
        "the table is of botocore {} ({}); {} is installed, and has {} operations that the table lacks",
        origin.botocore,
        origin.released,
        installed.trim(),
        lacking.len()
    );
    ensure!(
        lacking.is_empty() || installed.trim() != origin.botocore,
        "run `cargo xtask generate aws`: the table lacks {lacking:?}"
    );
    Ok(())
}

#[test]
fn calls_as_programs_make_them_have_the_actions_and_resources_that_the_documentation_says()
-> Result<()> {
    let folder = tempfile::tempdir()?;
    let answers = decoded(folder.path(), "calls.py", &[])?;
    let mut differing = Vec::new();
    for answer in &answers {
        let asked = &answer["id"];
        let expected: BTreeMap<String, BTreeSet<String>> =
            serde_json::from_value(asked["expected"].clone())?;
        let uses = answer["uses"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        let found = uses
            .iter()
            .map(|used| {
                let resources = serde_json::from_value(used["resources"].clone())?;
                Ok((
                    used["action"].as_str().unwrap_or_default().to_owned(),
                    resources,
                ))
            })
            .collect::<Result<BTreeMap<String, BTreeSet<String>>>>()?;
        if answer["operation"] != asked["operation"] || found != expected {
            differing.push(format!("{asked}\n  {found:?}\n  {}", answer["unmapped"]));
        }
    }
    println!("{} calls, {} differ", answers.len(), differing.len());
    ensure!(
        answers.len() > 140 && differing.is_empty(),
        "{}",
        differing.join("\n")
    );
    Ok(())
}

#[test]
fn every_action_that_the_decoder_names_can_be_granted_or_is_listed_as_undocumented() {
    let listed = include_str!("../../protocol/src/aws/table/undocumented.txt");
    let listed: BTreeSet<&str> = listed
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect();
    let named: BTreeSet<&str> = aws::possible_actions().collect();
    let is_granted = |action: &&str| {
        let (service, name) = action.split_once(':').unwrap_or_default();
        whittle_grants::aws::actions::get(service, name).is_some()
    };
    let unknown: Vec<&str> = named
        .iter()
        .copied()
        .filter(|action| !is_granted(action) && !listed.contains(action))
        .collect();
    assert!(named.len() > 15_000, "{}", named.len());
    assert_eq!(unknown, Vec::<&str>::new());
    let documented: Vec<&&str> = listed.iter().filter(|action| is_granted(action)).collect();
    assert_eq!(
        documented,
        Vec::<&&str>::new(),
        "these are documented by now"
    );
}

/// What `whittle decode` says of the requests that a script of `tests/cloud/decoder` writes.
fn decoded(folder: &Path, script: &str, arguments: &[&str]) -> Result<Vec<Value>> {
    let requests = folder.join("requests.jsonl");
    let script = places::repository()
        .join("tests/cloud/decoder")
        .join(script);
    let status = Command::new(venv::ensure()?)
        .arg(&script)
        .args(arguments)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdout(File::create(&requests)?)
        .status()?;
    ensure!(status.success(), "{} failed: {status}", script.display());
    let output = whittle()?
        .arg("decode")
        .arg("--requests")
        .arg(&requests)
        .output()?;
    ensure!(
        output.status.success(),
        "whittle decode: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let lines = output
        .stdout
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    lines
        .map(|line| serde_json::from_slice(line).context("an answer is not JSON"))
        .collect()
}
