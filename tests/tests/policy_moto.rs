//! The evaluator against moto's policy engine, on what moto does right, and the managed policies that moto ships.
//!
//! Left out of the comparison, because moto has it otherwise than AWS documents it: `NotResource` (moto allows whatever the effect),
//! `?` (to moto the character before may be missing), the case of actions (moto compares exactly), characters with a meaning in
//! regular expressions, conditions and variables. The second test holds moto's differences to be these and no others.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;

use serde_json::{Value, json};
use whittle_grants::aws::{
    Caller, Document, Policies, Policy, PolicySet, Request, Verdict, actions,
};

const CASES: usize = 20_000;
const ROLE: &str = "arn:aws:iam::111122223333:role/etl";
const ACTIONS: [&str; 8] = [
    "s3:GetObject",
    "s3:PutObject",
    "s3:GetObjectAcl",
    "s3:ListBucket",
    "sqs:SendMessage",
    "sqs:ReceiveMessage",
    "iam:GetUser",
    "dynamodb:GetItem",
];
const ACTION_PATTERNS: [&str; 12] = [
    "*",
    "s3:*",
    "s3:Get*",
    "s3:GetObject",
    "s3:*Object",
    "sqs:*",
    "sqs:Send*",
    "iam:*",
    "iam:GetUser",
    "dynamodb:*Item",
    "*:Get*",
    "s3:PutObject",
];
const ODD_ACTION_PATTERNS: [&str; 3] = ["S3:GETOBJECT", "s3:GetObject?cl", "SQS:*"];
const RESOURCES: [&str; 6] = [
    "arn:aws:s3:::logs/2026/a",
    "arn:aws:s3:::logs",
    "arn:aws:s3:::data/x/y/z",
    "arn:aws:sqs:eu-west-1:111122223333:jobs",
    "arn:aws:dynamodb:us-east-1:111122223333:table/t",
    "*",
];
const RESOURCE_PATTERNS: [&str; 10] = [
    "*",
    "arn:aws:s3:::logs/*",
    "arn:aws:s3:::logs",
    "arn:aws:s3:::*",
    "arn:aws:s3:::data/*/z",
    "arn:aws:sqs:*:111122223333:jobs",
    "arn:aws:sqs:eu-*-1:*:*",
    "arn:aws:dynamodb:*:*:table/*",
    "arn:aws:*:*:*:*",
    "arn:aws:s3:::logs/2026/a",
];
const ODD_RESOURCE_PATTERNS: [&str; 2] = ["arn:aws:s3:::log?/*", "arn:aws:s3:::l?gs"];

#[test]
fn plain_statements_are_answered_as_moto_answers_them() {
    let cases = cases(1, &Words::PLAIN);
    let moto = moto(&cases);
    let mut tally = BTreeMap::new();
    for (case, moto) in cases.iter().zip(&moto) {
        assert_eq!(&whittle(case), moto, "{case}");
        *tally.entry(moto.as_str()).or_insert(0) += 1;
    }
    println!("{CASES} plain cases, none different: {tally:?}");
    assert!(
        tally.len() == 3 && tally.values().all(|count| *count > CASES / 20),
        "{tally:?}"
    );
}

#[test]
fn where_moto_differs_the_reason_is_known() {
    let cases = cases(2, &Words::ALL);
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for (case, moto) in cases.iter().zip(moto(&cases)) {
        let ours = whittle(case);
        if ours != moto {
            let reason = reason(case).unwrap_or_else(|| panic!("{ours}, moto {moto}: {case}"));
            *reasons.entry(reason).or_insert(0) += 1;
        }
    }
    let different: usize = reasons.values().sum();
    println!("{CASES} cases, {different} different: {reasons:?}");
}

#[test]
fn every_managed_policy_that_moto_ships_parses_compiles_and_expands() {
    let printed = python("tests/cloud/managed_policies.py", b"");
    let documents: BTreeMap<String, Value> =
        serde_json::from_slice(&printed).expect("an object of policies");
    assert_eq!(
        documents.len(),
        1582,
        "another version of moto: renew the figures in docs/policy-evaluation.md"
    );
    let (mut patterns, mut granted, mut unmatched) = (0, 0, BTreeMap::<String, usize>::new());
    for (name, document) in &documents {
        let document = Document::parse(&document.to_string());
        let document = document.unwrap_or_else(|error| panic!("{name}: {error}"));
        document
            .check_of_principal()
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let all = document
            .statements
            .iter()
            .flat_map(|statement| statement.action.patterns());
        patterns += all.clone().count();
        granted += all
            .map(|pattern| actions::expand(pattern).count())
            .sum::<usize>();
        for nothing in actions::unmatched(&document) {
            *unmatched.entry(nothing.pattern.to_owned()).or_insert(0) += 1;
        }
        let mut allows = document.statements.iter();
        let is_wide = allows.any(|statement| {
            statement.action.is_not() || statement.action.patterns().iter().any(|all| all == "*")
        });
        let policy = Policy {
            name: name.clone(),
            document: Arc::new(document),
        };
        let set = PolicySet::new(&Policies {
            identity: vec![policy],
            ..Policies::default()
        });
        let nothing = Request::new(&Caller::new(ROLE), "no-such-service:Nothing", "*");
        let verdict = set.evaluate(&nothing).verdict;
        assert!(
            is_wide || verdict == Verdict::ImplicitDeny,
            "{name}: {verdict:?}"
        );
    }
    let nothing: usize = unmatched.values().sum();
    println!(
        "{patterns} patterns match {granted} actions; {nothing} ({} different) match nothing",
        unmatched.len()
    );
    let mut often: Vec<_> = unmatched.iter().collect();
    often.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    println!("{:?}", &often[..often.len().min(20)]);
    assert!(
        nothing * 20 < patterns,
        "more than 5 % match nothing: the table of actions is stale, or wrong"
    );
}

/// What statements are made of.
struct Words {
    has_not_resource: bool,
    odd: usize,
}

impl Words {
    const PLAIN: Self = Self {
        has_not_resource: false,
        odd: 0,
    };
    const ALL: Self = Self {
        has_not_resource: true,
        odd: 1,
    };
}

fn cases(seed: u64, words: &Words) -> Vec<Value> {
    let mut dice = Dice(seed);
    (0..CASES)
        .map(|_| {
            let policies: Vec<Value> = (0..=dice.roll(2))
                .map(|_| {
                    let statements: Vec<Value> =
                        (0..=dice.roll(4)).map(|_| statement(&mut dice, words)).collect();
                    json!({"Version": "2012-10-17", "Statement": statements})
                })
                .collect();
            json!({"policies": policies, "action": dice.pick(&ACTIONS), "resource": dice.pick(&RESOURCES)})
        })
        .collect()
}

fn statement(dice: &mut Dice, words: &Words) -> Value {
    let effect = if dice.roll(4) == 0 { "Deny" } else { "Allow" };
    let action = if dice.roll(6) == 0 {
        "NotAction"
    } else {
        "Action"
    };
    let is_not = words.has_not_resource && dice.roll(6) == 0;
    let resource = if is_not { "NotResource" } else { "Resource" };
    let actions = dice.some(&ACTION_PATTERNS, &ODD_ACTION_PATTERNS, words.odd);
    let resources = dice.some(&RESOURCE_PATTERNS, &ODD_RESOURCE_PATTERNS, words.odd);
    json!({"Effect": effect, action: actions, resource: resources})
}

/// A generator of random numbers (a linear congruential one), the same in every run.
struct Dice(u64);

impl Dice {
    /// Below `sides`.
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % sides
    }

    fn pick(&mut self, words: &[&'static str]) -> &'static str {
        words[self.roll(words.len())]
    }

    /// One word, or a list; `odd` in ten from the odd ones.
    fn some(&mut self, words: &[&'static str], odd_words: &[&'static str], odd: usize) -> Value {
        let mut word = || {
            if self.roll(10) < odd {
                self.pick(odd_words)
            } else {
                self.pick(words)
            }
        };
        let list = [word(), word(), word()];
        match self.roll(4) {
            0 => json!(list[0]),
            length => json!(list[..length]),
        }
    }
}

/// Why moto may answer otherwise.
fn reason(case: &Value) -> Option<&'static str> {
    let text = case["policies"].to_string();
    let reasons = [
        ("NotResource", "NotResource"),
        ("?", "? as a wildcard"),
        ("S3:GET", "case of actions"),
        ("SQS:", "case of actions"),
    ];
    reasons
        .into_iter()
        .find(|(sign, _)| text.contains(sign))
        .map(|(_, reason)| reason)
}

fn whittle(case: &Value) -> String {
    let documents = case["policies"].as_array().expect("a list");
    let policy = |document: &Value| Policy {
        name: String::new(),
        document: Arc::new(Document::parse(&document.to_string()).expect("a policy")),
    };
    let set = PolicySet::new(&Policies {
        identity: documents.iter().map(policy).collect(),
        ..Policies::default()
    });
    let text = |name: &str| case[name].as_str().expect("a string");
    let request = Request::new(&Caller::new(ROLE), text("action"), text("resource"))
        .in_account("111122223333");
    set.evaluate(&request).verdict.name().to_owned()
}

fn moto(cases: &[Value]) -> Vec<String> {
    let mut lines = String::new();
    for case in cases {
        writeln!(lines, "{case}").expect("memory can be written");
    }
    let answers = String::from_utf8(python("tests/cloud/moto_policy.py", lines.as_bytes()));
    let answers: Vec<String> = answers.expect("text").lines().map(str::to_owned).collect();
    assert_eq!(answers.len(), cases.len());
    answers
}

/// What a script of this repository prints when it reads `input`.
fn python(script: &str, input: &[u8]) -> Vec<u8> {
    let python = xtask::setup::venv::installed().expect("`cargo xtask setup` was run");
    let mut child = Command::new(python)
        .arg(xtask::places::repository().join(script))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python starts");
    let mut stdin = child.stdin.take().expect("it is piped");
    let input = input.to_vec();
    // Apart, so that neither side waits for a pipe that the other has to empty.
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().expect("python ends");
    writer
        .join()
        .expect("the writer does not panic")
        .expect("python reads its input");
    assert!(output.status.success(), "{script} failed");
    output.stdout
}
