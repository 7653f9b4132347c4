//! What holds of any calls.

use proptest::prelude::*;

use super::*;

/// Actions of many services that name resources, and some that do not.
fn any_call() -> impl Strategy<Value = (String, String)> {
    let key = "[a-c*?$é{}]{1,3}(/[a-c]{1,2}){0,3}";
    let object = ("s3:(Get|Put|Delete)Object", key)
        .prop_map(|(action, key)| (action, format!("arn:aws:s3:::data/{key}")));
    let named = ("[a-d]{1,2}(-[a-b]{1,2})?", 0..4usize).prop_map(|(name, kind)| {
        let (action, arn) = [
            (
                "dynamodb:PutItem",
                "arn:aws:dynamodb:eu-west-1:123456789012:table/",
            ),
            ("sqs:SendMessage", "arn:aws:sqs:eu-west-1:123456789012:"),
            (
                "lambda:InvokeFunction",
                "arn:aws:lambda:eu-west-1:123456789012:function:",
            ),
            ("s3:ListBucket", "arn:aws:s3:::"),
        ][kind];
        (action.to_owned(), format!("{arn}{name}"))
    });
    let everywhere = "ec2:DescribeInstances|s3:ListAllMyBuckets|sns:Publish|novel:DoThing"
        .prop_map(|action| (action, "*".to_owned()));
    let whole = "(kms|glue):\\*".prop_map(|action| (action, "*".to_owned()));
    prop_oneof![6 => object, 4 => named, 2 => everywhere, 1 => whole]
}

fn text_without(document: &str, statement: usize) -> String {
    let mut json: Value = serde_json::from_str(document).expect("a policy is JSON");
    let list = json["Statement"].as_array_mut().expect("a list");
    list.remove(statement);
    json.to_string()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Also: documents are within limits, parse, and each statement is needed.
    #[test]
    fn what_is_recommended_denies_nothing_used_and_has_no_statement_too_many(
        calls in proptest::collection::vec(any_call(), 1..60),
        generalise in 0..6usize,
    ) {
        let calls: Vec<_> = calls.iter().map(|(action, resource)| (action.as_str(), resource.as_str())).collect();
        let tables = usage(&calls);
        let found = of(&tables, &Options { generalise, ..OPTIONS });
        prop_assert_eq!((found.replay.denied, found.replay.depends, found.replay.not_replayed), (0, 0, 0));
        prop_assert!(found.replay.allowed > 0);
        let history = crate::history::History::of_cloud(&Who::Everyone, &tables);
        for (index, document) in found.documents.iter().enumerate() {
            prop_assert!(Document::parse(&document.text).is_ok());
            prop_assert!(document.characters <= 6_144);
            let parts: Vec<_> = found.parts.iter().filter(|part| part.document == document.name).collect();
            for (statement, part) in parts.iter().enumerate().filter(|(_, part)| part.name != statement::IMPLIED) {
                let mut files: Vec<_> = found.documents.iter().map(|document| (document.name.clone(), document.text.clone())).collect();
                if parts.len() == 1 {
                    // A document needs a statement: one that is about something else.
                    files[index].1 = document.text.replace("\"Allow\"", "\"Deny\"");
                } else {
                    files[index].1 = text_without(&document.text, statement);
                }
                let policies = Policies::parse(&files).expect("a policy less one statement is one");
                let counts = replay::counts(&history, &policies);
                prop_assert!(counts.denied + counts.not_replayed > 0, "{} is not needed: {}", part.name, document.text);
            }
        }
    }
}
