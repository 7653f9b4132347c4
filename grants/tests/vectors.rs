//! Each rule of the public documentation as a case: `vectors.jsonl` has the page, the rule in our words, a request with its policies,
//! and the answer. The lines are in the form that `whittle policy evaluate` reads.

use serde::Deserialize;
use whittle_grants::aws::{Policies, PolicySet, Question};

const VECTORS: &str = include_str!("vectors.jsonl");

#[derive(Deserialize)]
struct Vector {
    id: u32,
    page: String,
    rule: String,
    expected: String,
    #[serde(default)]
    missing: Vec<String>,
}

#[test]
fn every_documented_rule_holds() {
    let mut wrong = Vec::new();
    for line in VECTORS.lines() {
        let vector: Vector = serde_json::from_str(line).expect("a vector");
        let question = Question::parse(line).expect("a request");
        let policies = Policies::parse(question.policies).expect("policies");
        let decision = PolicySet::new(&policies).evaluate(&question.request);
        let is_right = decision.verdict.name() == vector.expected
            && decision.missing_context == vector.missing;
        if !is_right {
            let Vector {
                id,
                page,
                rule,
                expected,
                ..
            } = vector;
            wrong.push(format!(
                "{id}: {page}: {rule}: {decision:?}, and not {expected}"
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} wrong\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(VECTORS.lines().count() >= 160);
}
