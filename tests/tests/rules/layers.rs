//! Inside the agent, a stage sees the model, `schemas` and itself, never another stage; only the pipeline knows all.

use crate::{check, is_product, paths};

const STAGES: [&str; 6] = [
    "decode",
    "conversation",
    "identity",
    "window",
    "sink",
    "kernel",
];

#[test]
fn stages_of_the_agent_do_not_see_each_other() {
    check(|path| is_product(path) && stage(path).is_some(), breaches);
}

/// The stage that a file belongs to: `decode` of `agent/src/decode/file.rs` and of `agent/src/decode.rs`.
fn stage(path: &str) -> Option<&str> {
    let inside = path.strip_prefix("agent/src/")?;
    let name = inside.split(['/', '.']).next()?;
    STAGES.contains(&name).then_some(name)
}

fn breaches(path: &str, text: &str) -> Vec<String> {
    let Some(own) = stage(path) else {
        return Vec::new();
    };
    let seen = paths::named(path, text).into_iter().filter_map(|segments| {
        let from_root = from_crate_root(path, &segments)?;
        let first = from_root.first()?.clone();
        (first != own && first != "model" && first != "self")
            .then(|| format!("stage {own} sees {}", segments.join("::")))
    });
    seen.collect()
}

/// `segments` as seen from the crate's root; None for a path that does not lead there.
fn from_crate_root(path: &str, segments: &[String]) -> Option<Vec<String>> {
    if segments.first()? == "crate" {
        return Some(segments[1..].to_vec());
    }
    let up = segments
        .iter()
        .take_while(|segment| *segment == "super")
        .count();
    if up == 0 {
        return None;
    }
    let file = path.strip_prefix("agent/src/")?.strip_suffix(".rs")?;
    let mut module: Vec<String> = file.split('/').map(str::to_owned).collect();
    if module.last()? == "mod" {
        module.pop();
    }
    module.truncate(module.len().saturating_sub(up));
    module.extend_from_slice(&segments[up..]);
    Some(module)
}

#[test]
fn a_planted_breach_is_found() {
    for planted in [
        "use crate::window::Window;",
        "use crate::{model::Event, sink};",
        "fn f() { crate::kernel::load(); }",
        "use crate::pipeline::Pipeline;",
        "use super::super::identity::Process;",
    ] {
        assert_eq!(
            breaches("agent/src/decode/file.rs", planted).len(),
            1,
            "{planted}"
        );
    }
    assert_eq!(
        breaches("agent/src/decode/mod.rs", "use super::sink::write;").len(),
        1
    );
    for allowed in [
        "use crate::model::Event;",
        "use super::path;",
        "use crate::decode::path;",
        "use whittle_schemas::record;",
    ] {
        assert!(
            breaches("agent/src/decode/file.rs", allowed).is_empty(),
            "{allowed}"
        );
    }
    assert!(breaches("agent/src/pipeline.rs", "use crate::{decode, window};").is_empty());
}
