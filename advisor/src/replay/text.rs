//! A replay for people: what would have been denied first, the verdict last.

use std::fmt::Write;

use whittle_schemas::document::{Replay, replay::Replayed};

use crate::report::time::to_the_second;

/// The replay, ended by a newline.
#[must_use]
pub fn render(replay: &Replay) -> String {
    let mut text = String::new();
    let lists = [
        ("Would have been denied", &replay.denied),
        ("Depends on context that was not observed", &replay.depends),
        ("Could not be replayed", &replay.not_replayed),
        (
            "Was denied at the time, and would be denied",
            &replay.denied_before,
        ),
        (
            "Was denied at the time, although this allows it",
            &replay.denied_before_only,
        ),
    ];
    for (title, list) in lists {
        if !list.is_empty() {
            writeln!(text, "{title}").expect("writing to a String does not fail");
            for replayed in list {
                text.push_str(&entry(replayed));
            }
            text.push('\n');
        }
    }
    writeln!(text, "{}.", replay.verdict).expect("writing to a String does not fail");
    text
}

fn entry(replayed: &Replayed) -> String {
    let missing = if replayed.missing_context.is_empty() {
        String::new()
    } else {
        format!(" ({})", replayed.missing_context.join(", "))
    };
    format!(
        "{:>8}  {} {}, last {} UTC\n          {}{missing}\n",
        replayed.count,
        replayed.action,
        replayed.resource,
        to_the_second(&replayed.last_seen),
        replayed.decided_by,
    )
}
