//! The evaluator against another one that is not ours: the crate iam-rs (MIT), on random documents with conditions, variables and
//! values of every kind. It knows identity policies, so that is what is compared.

use std::collections::BTreeMap;
use std::sync::Arc;

use iam_rs::{Arn, Context as Theirs, ContextValue, IAMPolicy, IAMRequest, Principal, PrincipalId};
use serde_json::{Value, json};
use whittle_grants::aws::{Caller, Context, Document, Policies, Policy, PolicySet, Request};

const CASES: usize = 20_000;
const USER: &str = "arn:aws:iam::111122223333:user/ada";
const ACTIONS: [&str; 4] = [
    "s3:GetObject",
    "s3:PutObject",
    "s3:GetObjectAcl",
    "sqs:SendMessage",
];
const ACTION_PATTERNS: [&str; 6] = [
    "*",
    "s3:*",
    "s3:Get*",
    "s3:?etObject",
    "sqs:SendMessage",
    "s3:*Object",
];
const RESOURCES: [&str; 4] = [
    "arn:aws:s3:::home/ada/k",
    "arn:aws:s3:::home/bob/x/y",
    "arn:aws:s3:::logs",
    "arn:aws:sqs:eu-west-1:111122223333:jobs",
];
const RESOURCE_PATTERNS: [&str; 8] = [
    "*",
    "arn:aws:s3:::home/*",
    "arn:aws:s3:::home/${aws:username}/*",
    "arn:aws:s3:::home/${app:none, 'bob'}/*",
    "arn:aws:s3:::l?gs",
    "arn:aws:s3:::*/y",
    "arn:aws:sqs:*:111122223333:jobs",
    "arn:aws:sqs:eu-west-1:*:j*",
];
/// A key, the operators that fit it, values of requests, and values of policies.
type Key = (&'static str, Words, Words, Words);
type Words = &'static [&'static str];

const KEYS: [Key; 7] = [
    (
        "app:team",
        &[
            "StringEquals",
            "StringNotEquals",
            "StringEqualsIgnoreCase",
            "StringNotEqualsIgnoreCase",
            "StringLike",
            "StringNotLike",
        ],
        &["red", "Red", "blue", "ada"],
        &["red", "r*", "?lue", "BLUE", "${aws:username}"],
    ),
    (
        "app:count",
        &[
            "NumericEquals",
            "NumericNotEquals",
            "NumericLessThan",
            "NumericLessThanEquals",
            "NumericGreaterThan",
            "NumericGreaterThanEquals",
        ],
        &["1", "9", "10", "10.5"],
        &["1", "10", "10.50", "9"],
    ),
    (
        "app:time",
        &[
            "DateEquals",
            "DateNotEquals",
            "DateLessThan",
            "DateLessThanEquals",
            "DateGreaterThan",
            "DateGreaterThanEquals",
        ],
        &["2026-01-01T00:00:00Z", "2026-06-01T12:00:00Z"],
        &[
            "2026-01-01T00:00:00Z",
            "2026-03-01T00:00:00Z",
            "2026-06-01T14:00:00+02:00",
        ],
    ),
    ("app:mfa", &["Bool"], &["true", "false"], &["true", "false"]),
    (
        "app:ip",
        &["IpAddress", "NotIpAddress"],
        &["10.1.2.3", "192.0.2.7", "2001:db8::5"],
        &["10.0.0.0/8", "192.0.2.7", "2001:db8::/32", "0.0.0.0/0"],
    ),
    (
        "app:source",
        &["ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"],
        &[
            "arn:aws:sns:eu-west-1:111122223333:topic",
            "arn:aws:s3:::logs",
        ],
        &[
            "arn:aws:sns:*:111122223333:topic",
            "arn:aws:s3:::l?gs",
            "arn:aws:sns:eu-west-1:*:*",
        ],
    ),
    ("app:team", &["Null"], &["red"], &["true", "false"]),
];
const TAGS: [&str; 3] = ["a", "b", "c"];

#[test]
fn another_evaluator_gives_the_same_answers() {
    let mut dice = Dice(7);
    let (mut tally, mut different) = (BTreeMap::new(), BTreeMap::new());
    let mut plain = 0;
    for _ in 0..CASES {
        let case = Case::new(&mut dice);
        let (ours, theirs) = (case.ours(), case.theirs());
        *tally.entry(ours.clone()).or_insert(0) += 1;
        plain += usize::from(case.reason().is_none());
        if ours != theirs {
            let shown = || format!("{ours}, they {theirs}: {case:?}");
            let reason = case.reason().unwrap_or_else(|| panic!("{}", shown()));
            *different.entry(reason).or_insert(0) += 1;
        }
    }
    println!(
        "{CASES} cases, {plain} without what they have otherwise: {tally:?}; different: {different:?}"
    );
    assert!(plain * 2 > CASES);
    assert!(tally.len() == 3 && tally.values().all(|count| *count > CASES / 20));
}

#[derive(Debug)]
struct Case {
    statements: Vec<Value>,
    action: &'static str,
    resource: &'static str,
    context: BTreeMap<&'static str, Vec<&'static str>>,
}

impl Case {
    fn new(dice: &mut Dice) -> Self {
        let statements = (0..=dice.roll(2)).map(|_| statement(dice)).collect();
        let mut context = BTreeMap::from([("aws:username", vec!["ada"])]);
        for (key, _, values, _) in &KEYS[..6] {
            if dice.roll(5) > 0 {
                context.insert(key, vec![dice.pick(values)]);
            }
        }
        if dice.roll(3) > 0 {
            let tags = TAGS.iter().copied().filter(|_| dice.roll(2) == 0).collect();
            context.insert("app:tags", tags);
        }
        Self {
            statements,
            action: dice.pick(&ACTIONS),
            resource: dice.pick(&RESOURCES),
            context,
        }
    }

    fn document(&self) -> String {
        json!({"Version": "2012-10-17", "Statement": self.statements}).to_string()
    }

    fn ours(&self) -> String {
        let policy = Policy {
            name: String::new(),
            document: Arc::new(Document::parse(&self.document()).expect("a policy")),
        };
        let set = PolicySet::new(&Policies {
            identity: vec![policy],
            ..Policies::default()
        });
        let mut context = Context::default();
        for key in KEYS.iter().map(|key| key.0).chain(["app:tags", "app:none"]) {
            match self.context.get(key) {
                Some(values) => context.set(key, values.iter().copied()),
                None => context.set_absent(key),
            }
        }
        let request = Request::new(&Caller::new(USER), self.action, self.resource);
        let request = request.in_account("111122223333").with_context(context);
        set.evaluate(&request).verdict.name().to_owned()
    }

    fn theirs(&self) -> String {
        let policy: IAMPolicy = match serde_json::from_str(&self.document()) {
            Ok(policy) => policy,
            Err(error) => return format!("unread {error}"),
        };
        let mut context = Theirs::new();
        for (key, values) in &self.context {
            context.insert((*key).to_owned(), value(key, values));
        }
        let principal = Principal::Aws(PrincipalId::String(USER.to_owned()));
        let resource = Arn::parse(self.resource).expect("an ARN");
        let mut request = IAMRequest::new(principal, self.action, resource);
        request.context = context;
        match iam_rs::evaluate_policy(&policy, &request) {
            Ok(iam_rs::Decision::Allow) => "allowed".to_owned(),
            Ok(iam_rs::Decision::Deny) => "explicit_deny".to_owned(),
            Ok(iam_rs::Decision::NotApplicable) => "implicit_deny".to_owned(),
            Err(error) => format!("error {error}"),
        }
    }

    /// What the other evaluator has otherwise than AWS documents it, if the case has it.
    fn reason(&self) -> Option<&'static str> {
        let conditions = self
            .statements
            .iter()
            .filter_map(|statement| statement["Condition"].as_object());
        conditions.flatten().find_map(|(operator, keys)| {
            if operator.starts_with("For") && operator.ends_with("IfExists") {
                Some("a quantifier with IfExists, which it does not read")
            } else if operator.starts_with("ArnEquals") || operator.starts_with("ArnNotEquals") {
                Some("wildcards of ArnEquals, which it takes as they stand")
            } else if keys.to_string().contains("${") {
                Some("a variable in a condition, which it does not fill in")
            } else {
                None
            }
        })
    }
}

/// As their types have it.
fn value(key: &str, values: &[&str]) -> ContextValue {
    let first = values.first().copied().unwrap_or_default();
    match key {
        "app:tags" => {
            ContextValue::StringList(values.iter().map(|value| (*value).to_owned()).collect())
        }
        "app:count" => ContextValue::Number(first.parse().expect("a number")),
        "app:mfa" => ContextValue::Boolean(first == "true"),
        "app:time" => ContextValue::DateTime(first.parse().expect("a date")),
        _ => ContextValue::String(first.to_owned()),
    }
}

fn statement(dice: &mut Dice) -> Value {
    let effect = if dice.roll(4) == 0 { "Deny" } else { "Allow" };
    let not = |dice: &mut Dice, name: &str| {
        if dice.roll(6) == 0 {
            format!("Not{name}")
        } else {
            name.to_owned()
        }
    };
    let mut statement = json!({
        "Effect": effect,
        not(dice, "Action"): dice.some(&ACTION_PATTERNS),
        not(dice, "Resource"): dice.some(&RESOURCE_PATTERNS),
    });
    if dice.roll(4) > 0 {
        let (operator, key, values) = condition(dice);
        statement["Condition"] = json!({operator: {key: values}});
    }
    statement
}

fn condition(dice: &mut Dice) -> (String, &'static str, Value) {
    let if_exists = |dice: &mut Dice| if dice.roll(4) == 0 { "IfExists" } else { "" };
    if dice.roll(4) == 0 {
        let quantifier = dice.pick(&["ForAllValues", "ForAnyValue"]);
        let operator = dice.pick(&["StringEquals", "StringNotEquals", "StringLike"]);
        let ending = if_exists(dice);
        return (
            format!("{quantifier}:{operator}{ending}"),
            "app:tags",
            dice.some(&TAGS),
        );
    }
    let (key, operators, _, values) = KEYS[dice.roll(KEYS.len())];
    let operator = dice.pick(operators);
    let ending = if operator == "Null" {
        ""
    } else {
        if_exists(dice)
    };
    let values = if operator == "Null" {
        json!(dice.pick(values))
    } else {
        dice.some(values)
    };
    (format!("{operator}{ending}"), key, values)
}

/// A generator of random numbers, the same in every run.
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

    /// One word, or a list of two.
    fn some(&mut self, words: &[&'static str]) -> Value {
        match self.roll(2) {
            0 => json!(self.pick(words)),
            _ => json!([self.pick(words), self.pick(words)]),
        }
    }
}
