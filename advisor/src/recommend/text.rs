//! A recommendation for people: its status first, then what it stands on, what each part is for and where it allows more
//! than was used. The documents themselves are not in it.

use std::fmt::Write;

use whittle_schemas::document::{
    Recommendation,
    recommendation::{Part, Status},
};

use crate::report::{time::to_the_second, words::counted};

/// The summary, ended by a newline.
#[must_use]
pub fn summary(recommendation: &Recommendation) -> String {
    let mut text = String::new();
    let mut line = |indent: usize, words: &str| {
        writeln!(text, "{:indent$}{words}", "", indent = 2 * indent)
            .expect("writing to a String does not fail");
    };
    let principal = recommendation
        .principal
        .as_ref()
        .filter(|principal| **principal != recommendation.asked_for)
        .map_or_else(String::new, |principal| {
            format!(", which acted as {principal}")
        });
    line(
        0,
        &format!(
            "{} for {}{principal}",
            recommendation.format, recommendation.asked_for
        ),
    );
    line(
        0,
        &format!(
            "{}: {}",
            status(recommendation.status),
            meaning(recommendation.status)
        ),
    );
    for reason in &recommendation.reasons {
        line(1, &format!("- {reason}"));
    }
    line(0, &stands_on(recommendation));
    for document in &recommendation.documents {
        let size = match document.limit {
            Some(limit) => format!("{} of {limit} characters", document.characters),
            None => format!("{} characters", document.characters),
        };
        line(0, &format!("{}: {size}", document.name));
        let parts = recommendation.parts.iter();
        for part in parts.filter(|part| part.document == document.name) {
            for words in self::part(part) {
                line(1, &words);
            }
        }
    }
    if !recommendation.left_out.is_empty() {
        line(0, "Left out");
        for left in &recommendation.left_out {
            line(1, &format!("{}: {}", left.what, left.why));
        }
    }
    let counts = recommendation.replay;
    line(
        0,
        &format!(
            "Replay: {} different accesses, {} allowed, {} denied, {} depend on context, {} could not be replayed",
            counts.replayed, counts.allowed, counts.denied, counts.depends, counts.not_replayed
        ),
    );
    text
}

fn status(status: Status) -> &'static str {
    match status {
        Status::Ready => "READY",
        Status::Draft => "DRAFT",
        Status::Held => "HELD",
    }
}

fn meaning(status: Status) -> &'static str {
    match status {
        Status::Ready => "it can be put to use",
        Status::Draft => "too little was observed yet",
        Status::Held => "something may be missing from it",
    }
}

fn stands_on(recommendation: &Recommendation) -> String {
    let seen = &recommendation.observation;
    let (Some(from), Some(to)) = (&seen.from, &seen.to) else {
        return "It stands on nothing: no use was recorded".to_owned();
    };
    format!(
        "It stands on {} of {}, {} to {} UTC; runs: {}; windows with use: {}, the last {} of them without anything new",
        counted(
            usize::try_from(seen.accesses).unwrap_or(usize::MAX),
            "access"
        ),
        counted(recommendation.subjects.len(), "subject"),
        to_the_second(from),
        to_the_second(to),
        seen.runs,
        seen.windows,
        seen.quiet_windows
    )
}

fn part(part: &Part) -> Vec<String> {
    let mut lines = vec![format!("{} (for {} in use)", part.name, part.stands_for)];
    lines.extend(part.over_grants.iter().map(|over| {
        format!(
            "    {} stands for {}, and also allows {}",
            over.pattern, over.stands_for, over.also_allows
        )
    }));
    lines.extend(part.notes.iter().map(|note| format!("    {note}")));
    lines
}
