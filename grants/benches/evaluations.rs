//! How many evaluations a second, on one core, against a role with ten of AWS's managed policies:
//! `cargo bench -p whittle-grants -- FILE`, where FILE is what `tests/cloud/managed_policies.py` prints.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use whittle_grants::aws::{
    Caller, Context, Document, Policies, Policy, PolicySet, Request, actions,
};

const ROLE: &str = "arn:aws:iam::111122223333:role/etl";
const POLICIES: [&str; 10] = [
    "ReadOnlyAccess",
    "SecurityAudit",
    "AmazonS3FullAccess",
    "AmazonEC2FullAccess",
    "AmazonDynamoDBFullAccess",
    "AWSLambda_FullAccess",
    "AmazonSQSFullAccess",
    "CloudWatchFullAccess",
    "AmazonECS_FullAccess",
    "AmazonSageMakerFullAccess",
];
const SERVICES: [&str; 10] = [
    "s3",
    "ec2",
    "dynamodb",
    "lambda",
    "sqs",
    "logs",
    "ecs",
    "sagemaker",
    "iam",
    "kms",
];
const ROUNDS: usize = 21;

fn main() {
    let Some(path) = std::env::args()
        .skip(1)
        .find(|argument| !argument.starts_with('-'))
    else {
        eprintln!(
            "name the file that tests/cloud/managed_policies.py prints: cargo bench -p whittle-grants -- FILE"
        );
        return;
    };
    let text = std::fs::read_to_string(path).expect("the file can be read");
    let documents: BTreeMap<String, serde_json::Value> =
        serde_json::from_str(&text).expect("an object of policies");
    let begun = Instant::now();
    let identity = POLICIES.map(|name| {
        let document = documents.get(name).expect("moto ships it").to_string();
        Policy {
            name: name.to_owned(),
            document: Arc::new(Document::parse(&document).expect("a policy")),
        }
    });
    let bytes: usize = identity.iter().map(|policy| policy.document.size).sum();
    let statements: usize = identity
        .iter()
        .map(|policy| policy.document.statements.len())
        .sum();
    let policies = Policies {
        identity: identity.to_vec(),
        ..Policies::default()
    };
    let set = PolicySet::new(&policies);
    println!(
        "{statements} statements, {bytes} characters, read and compiled in {:?}",
        begun.elapsed()
    );

    let requests = requests();
    let mut verdicts = BTreeMap::new();
    for request in &requests {
        *verdicts
            .entry(set.evaluate(request).verdict.name())
            .or_insert(0) += 1;
    }
    println!("{} requests: {verdicts:?}", requests.len());
    report("evaluations of prepared requests", requests.len(), || {
        for request in &requests {
            black_box(set.evaluate(black_box(request)));
        }
    });
    report("requests made and evaluated", requests.len(), || {
        for_each_request(|request| {
            black_box(set.evaluate(&request));
        });
    });
}

fn requests() -> Vec<Request> {
    let mut requests = Vec::new();
    for_each_request(|request| requests.push(request));
    requests
}

/// Each action of ten services, on a resource.
fn for_each_request(mut each: impl FnMut(Request)) {
    let caller = Caller::new(ROLE);
    for action in SERVICES
        .iter()
        .flat_map(|service| actions::of_service(service))
    {
        let service = action.service;
        let mut context = Context::default();
        context.set("aws:SourceIp", ["203.0.113.7"]);
        context.set("aws:RequestedRegion", ["eu-west-1"]);
        let name = format!("{service}:{}", action.name);
        let resource = format!(
            "arn:aws:{service}:eu-west-1:111122223333:thing/{}",
            action.name
        );
        each(Request::new(&caller, &name, &resource).with_context(context));
    }
}

fn report(what: &str, count: usize, mut round: impl FnMut()) {
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let begun = Instant::now();
            round();
            begun.elapsed()
        })
        .collect();
    times.sort();
    let nanoseconds = |time: Duration| {
        time.as_secs_f64() * 1e9 / f64::from(u32::try_from(count).expect("some thousands"))
    };
    let [fastest, median, slowest] =
        [times[0], times[ROUNDS / 2], times[ROUNDS - 1]].map(nanoseconds);
    println!(
        "{what}: {:.2} M/s (median of {ROUNDS} rounds; {fastest:.0}, {median:.0}, {slowest:.0} ns each)",
        1e3 / median
    );
}
