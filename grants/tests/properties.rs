//! What holds of every policy, tried on random ones over a small world of actions, resources, keys and values, so that patterns
//! often meet.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};
use whittle_grants::aws::{
    Caller, Context, Decision, Document, Policies, Policy, PolicySet, Request, Verdict,
};

const ROLE: &str = "arn:aws:iam::111122223333:role/etl";
const ACTIONS: [&str; 5] = [
    "s3:GetObject",
    "s3:PutObject",
    "s3:GetObjectAcl",
    "sqs:SendMessage",
    "iam:GetUser",
];
const ACTION_PATTERNS: [&str; 8] = [
    "*",
    "s3:*",
    "s3:Get*",
    "S3:getobject",
    "s3:?etObject",
    "sqs:*",
    "*:Get*",
    "iam:GetUser",
];
const RESOURCES: [&str; 5] = [
    "arn:aws:s3:::b/k",
    "arn:aws:s3:::b/x/y",
    "arn:aws:sqs:eu-west-1:111122223333:q",
    "arn:aws:s3:::ada/k",
    "*",
];
const RESOURCE_PATTERNS: [&str; 8] = [
    "*",
    "arn:aws:s3:::b/*",
    "arn:aws:s3:::?/k",
    "arn:aws:s3:::*/y",
    "arn:aws:sqs:*:*:q",
    "arn:aws:sqs:eu-*-1:111122223333:*",
    "arn:aws:s3:::${aws:PrincipalTag/name}/*",
    "arn:aws:s3:::${aws:PrincipalTag/name, 'b'}/*",
];
const KEYS: [&str; 4] = [
    "aws:PrincipalTag/name",
    "aws:SourceIp",
    "s3:max-keys",
    "aws:MultiFactorAuthPresent",
];
const VALUES: [&str; 5] = ["ada", "10.0.0.1", "7", "true", "false"];
const OPERATORS: [&str; 12] = [
    "StringEquals",
    "StringNotEquals",
    "StringLike",
    "StringEqualsIgnoreCase",
    "IpAddress",
    "NotIpAddress",
    "NumericLessThan",
    "NumericGreaterThanEquals",
    "Bool",
    "ArnLike",
    "DateLessThan",
    "Null",
];
const QUANTIFIERS: [&str; 3] = ["", "ForAllValues:", "ForAnyValue:"];

/// One of `patterns` or several, under `name` or, negated, under `Not` and the name.
fn matching(
    name: &'static str,
    patterns: &'static [&'static str],
) -> impl Strategy<Value = (String, Vec<&'static str>)> {
    let some = subsequence(patterns, 1..=2);
    (some, prop::bool::weighted(0.2)).prop_map(move |(some, is_not)| {
        (format!("{}{name}", if is_not { "Not" } else { "" }), some)
    })
}

fn operator() -> impl Strategy<Value = String> {
    let parts = (
        select(&QUANTIFIERS[..]),
        select(&OPERATORS[..]),
        any::<bool>(),
    );
    parts.prop_map(|(quantifier, operator, if_exists)| {
        let ending = if if_exists && operator != "Null" {
            "IfExists"
        } else {
            ""
        };
        format!("{quantifier}{operator}{ending}")
    })
}

fn statement() -> impl Strategy<Value = Value> {
    let condition = (
        operator(),
        select(&KEYS[..]),
        subsequence(&VALUES[..], 1..=2),
    );
    (
        prop::bool::weighted(0.7),
        matching("Action", &ACTION_PATTERNS),
        matching("Resource", &RESOURCE_PATTERNS),
        prop::option::weighted(0.5, condition),
    )
        .prop_map(
            |(allows, (action, actions), (resource, resources), condition)| {
                let mut statement = json!({
                    "Effect": if allows { "Allow" } else { "Deny" },
                    action: actions,
                    resource: resources,
                });
                if let Some((operator, key, values)) = condition {
                    statement["Condition"] = json!({operator: {key: values}});
                }
                statement
            },
        )
}

fn statements() -> impl Strategy<Value = Vec<Value>> {
    prop::collection::vec(statement(), 1..6)
}

/// Where a key is at all: what each has, or that it has none.
fn full_context() -> impl Strategy<Value = Vec<Option<Vec<&'static str>>>> {
    let values = prop::option::weighted(0.7, subsequence(&VALUES[..], 1..=2));
    prop::collection::vec(values, KEYS.len())
}

fn policy(statements: &[Value]) -> Policy {
    let document = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
    Policy {
        name: "p".to_owned(),
        document: Arc::new(Document::parse(&document).expect("a policy")),
    }
}

fn identity(statements: &[Value]) -> PolicySet {
    PolicySet::new(&Policies {
        identity: vec![policy(statements)],
        ..Policies::default()
    })
}

/// Every action on every resource.
fn requests(context: &Context) -> Vec<Request> {
    let pairs = ACTIONS
        .iter()
        .flat_map(|action| RESOURCES.iter().map(move |on| (action, on)));
    pairs
        .map(|(action, on)| {
            let request = Request::new(&Caller::new(ROLE), action, on).in_account("111122223333");
            request.with_context(context.clone())
        })
        .collect()
}

fn context(values: &[Option<Vec<&'static str>>], is_known: impl Fn(usize) -> bool) -> Context {
    let mut context = Context::default();
    for (place, key) in KEYS
        .iter()
        .enumerate()
        .filter(|(place, _)| is_known(*place))
    {
        match &values[place] {
            Some(values) => context.set(key, values.iter().copied()),
            None => context.set_absent(key),
        }
    }
    context
}

fn decisions(set: &PolicySet, context: &Context) -> Vec<Decision> {
    requests(context)
        .iter()
        .map(|request| set.evaluate(request))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn an_added_allow_removes_nothing(
        own in statements(), mut more in statement(), values in full_context(),
    ) {
        more["Effect"] = json!("Allow");
        let with: Vec<Value> = own.iter().cloned().chain([more]).collect();
        let context = context(&values, |_| true);
        let (before, after) =
            (decisions(&identity(&own), &context), decisions(&identity(&with), &context));
        for (before, after) in before.iter().zip(&after) {
            if before.verdict == Verdict::Allowed {
                prop_assert_eq!(after.verdict, Verdict::Allowed);
            }
            let is_denied = |decision: &Decision| decision.verdict == Verdict::ExplicitDeny;
            prop_assert_eq!(is_denied(before), is_denied(after));
        }
    }

    #[test]
    fn an_explicit_deny_wins_wherever_it_stands(
        own in statements(), mut deny in statement(), values in full_context(), place in 0..6_usize,
    ) {
        deny["Effect"] = json!("Deny");
        let alone = identity(std::slice::from_ref(&deny));
        let everything = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
        let mut policies = Policies { identity: vec![policy(&own)], ..Policies::default() };
        let as_resource = |mut statement: Value| {
            statement["Principal"] = json!("*");
            policy(&[statement])
        };
        match place {
            0 => policies.identity.push(policy(&[deny])),
            1 => policies.boundary = vec![policy(&[everything, deny])],
            2 => policies.session = vec![policy(&[everything, deny])],
            3 => policies.scp = vec![vec![policy(&[everything])], vec![policy(&[deny])]],
            4 => policies.rcp = vec![vec![as_resource(deny)]],
            _ => policies.resource = Some(as_resource(deny)),
        }
        let set = PolicySet::new(&policies);
        let context = context(&values, |_| true);
        for (request, alone) in requests(&context).iter().zip(decisions(&alone, &context)) {
            // What resource control policies do not apply to is told by the vectors.
            if alone.verdict == Verdict::ExplicitDeny && place != 4 {
                prop_assert_eq!(set.evaluate(request).verdict, Verdict::ExplicitDeny);
            }
        }
    }

    #[test]
    fn not_action_and_not_resource_are_complements(
        actions in subsequence(&ACTION_PATTERNS[..], 1..=3),
        // Variables that have no value match nothing, negated or not.
        resources in subsequence(&RESOURCE_PATTERNS[..6], 1..=3),
    ) {
        let one = |statement| identity(&[statement]);
        let action = one(json!({"Effect": "Allow", "Action": actions, "Resource": "*"}));
        let not_action = one(json!({"Effect": "Allow", "NotAction": actions, "Resource": "*"}));
        let resource = one(json!({"Effect": "Allow", "Action": "*", "Resource": resources}));
        let not_resource = one(json!({"Effect": "Allow", "Action": "*", "NotResource": resources}));
        for request in requests(&Context::default()) {
            let allows = |set: &PolicySet| set.evaluate(&request).verdict == Verdict::Allowed;
            prop_assert_ne!(allows(&action), allows(&not_action));
            prop_assert_ne!(allows(&resource), allows(&not_resource));
        }
    }

    /// What is known of a part of the context is never contradicted by the rest; and with all of it nothing depends.
    #[test]
    fn depends_becomes_the_true_answer_when_the_context_is_given(
        own in statements(), boundary in prop::option::of(statements()), values in full_context(),
        known in prop::collection::vec(any::<bool>(), KEYS.len()),
    ) {
        let set = PolicySet::new(&Policies {
            identity: vec![policy(&own)],
            boundary: boundary.iter().map(|statements| policy(statements)).collect(),
            ..Policies::default()
        });
        let part = context(&values, |place| known[place]);
        let all = context(&values, |_| true);
        for (part, all) in decisions(&set, &part).iter().zip(decisions(&set, &all)) {
            prop_assert_ne!(all.verdict, Verdict::Depends);
            if part.verdict == Verdict::Depends {
                prop_assert!(!part.missing_context.is_empty());
                for missing in &part.missing_context {
                    let place = KEYS.iter().position(|key| key == missing);
                    prop_assert!(place.is_some_and(|place| !known[place]), "{} was known", missing);
                }
            } else {
                let is_allowed = |decision: &Decision| decision.verdict == Verdict::Allowed;
                prop_assert_eq!(is_allowed(part), is_allowed(&all));
            }
        }
    }

    /// The index finds the same statements as a look at each.
    #[test]
    fn statements_in_one_policy_and_in_many_answer_alike(own in statements(), values in full_context()) {
        let many = PolicySet::new(&Policies {
            identity: own.iter().map(|statement| policy(std::slice::from_ref(statement))).collect(),
            ..Policies::default()
        });
        let context = context(&values, |_| true);
        let (one, many) = (decisions(&identity(&own), &context), decisions(&many, &context));
        for (one, many) in one.iter().zip(&many) {
            prop_assert_eq!(one.verdict, many.verdict);
        }
    }

    #[test]
    // Only that they come back is asked here; what they say, the readers have tests for.
    fn no_text_makes_a_reader_panic(text in ".{0,200}", statement in statement(), cut in 0..400_usize) {
        let _ = Document::parse(&text);
        let document = json!({"Version": "2012-10-17", "Statement": statement}).to_string();
        let cut: String = document.chars().take(cut).collect();
        let _ = Document::parse(&cut);
        let _ = whittle_grants::aws::Account::parse(&cut);
        let _ = whittle_grants::aws::Question::parse(&cut);
        let _ = Policies::parse(&cut);
    }
}
