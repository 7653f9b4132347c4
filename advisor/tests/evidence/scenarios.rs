//! The six statuses, and what makes `unknown` of `unused`.

use super::*;

const OBJECTS: &str = "arn:aws:s3:::orders/*";

#[test]
fn used_has_its_count_times_and_subjects() {
    let found = nightly().check("s3:GetObject", OBJECT, "used");
    assert_eq!(found["count"], 2);
    assert_eq!(found["subjects"], json!(["s-1"]));
    assert_eq!(found["first_seen"], "2026-09-21T14:13:20.000001Z");
    assert_eq!(found["last_seen"], "2026-09-21T14:13:25Z");
    assert_eq!(found["confidence"], "observed");
    assert!(
        found["reason"]
            .to_string()
            .contains("identity work#Objects"),
        "{found}"
    );
}

#[test]
fn attempted_is_what_was_only_denied() {
    let found = nightly().check("s3:PutObject", OBJECT, "attempted");
    assert_eq!(found["count"], 2);
    assert!(
        found["reason"].to_string().contains("AccessDenied"),
        "{found}"
    );
}

#[test]
fn implied_follows_from_what_was_used() {
    let found = nightly().check("kms:Decrypt", "*", "implied");
    assert_eq!(found["confidence"], "inferred");
    assert!(
        found["reason"].to_string().contains("s3:GetObject"),
        "{found}"
    );
}

#[test]
fn unused_says_for_how_long_and_how_rare_it_must_be() {
    let found = nightly().check("iam:PassRole", "*", "unused");
    let reason = "no use in 1.0 covered hours: at 95 % fewer than 3.0 uses an hour";
    assert_eq!(found["reason"], reason);
    assert_eq!(found["confidence"], "bounded");
    assert_eq!(found["first_seen"], Value::Null);
    nightly().check("s3:DeleteObject", OBJECTS, "unused");
}

#[test]
fn ungranted_is_what_was_used_without_a_grant() {
    let queue = "arn:aws:sqs:eu-west-1:123456789012:jobs";
    let found = nightly().check("sqs:DeleteQueue", queue, "ungranted");
    assert!(
        found["reason"].to_string().contains("no statement"),
        "{found}"
    );
}

#[test]
fn unknown_replaces_unused_after_a_loss_in_any_family_that_could_have_seen_it() {
    for (index, family) in FAMILIES.iter().enumerate() {
        let mut job = nightly();
        (
            job.tables.coverage[index].seen,
            job.tables.coverage[index].lost,
        ) = (3, 3);
        let concerns = matches!(*family, "process" | "socket" | "payload");
        let status = if concerns { "unknown" } else { "unused" };
        let found = job.check("iam:PassRole", "*", status);
        let says_so = found["reason"].to_string().contains("3 records were lost");
        assert_eq!(says_so, concerns, "{family}: {found}");
        job.check("s3:GetObject", OBJECT, "used");
    }
}

#[test]
fn unknown_replaces_unused_where_cloud_calls_were_not_watched_at_all() {
    let mut job = nightly();
    job.tables.coverage.retain(|row| row.family != "payload");
    let found = job.check("iam:PassRole", "*", "unknown");
    assert!(
        found["reason"].to_string().contains("not watched"),
        "{found}"
    );
}

#[test]
fn unknown_replaces_unused_where_an_endpoint_could_not_be_read() {
    let mut job = nightly();
    job.tables.endpoints[0].readable = 1;
    job.tables.endpoints[0].unreadable_reason = Some("no OpenSSL found in the process".into());
    let found = job.check("iam:PassRole", "*", "unknown");
    assert!(
        found["reason"].to_string().contains("no OpenSSL found"),
        "{found}"
    );
}

#[test]
fn unknown_replaces_unused_where_a_file_of_the_data_is_damaged() {
    let job = nightly();
    let data = job.write();
    let grants = job.file("account.json", &account(&json!({})).to_string());
    fs::write(data.join("usage/damaged.parquet"), "PAR1").expect("the folder is ours");
    let output = report(
        &data,
        &grants,
        &["--format", "json", "--fail-on", "unknown"],
    );
    assert_eq!(output.status.code(), Some(1));
    let report = parsed(&output);
    assert_eq!(find(&report, "iam:PassRole", "*")["status"], "unknown");
    assert_eq!(report["coverage"]["unread"], 1);
}

#[test]
fn unknown_replaces_unused_where_the_principal_is_used_elsewhere() {
    let job = nightly();
    let data = job.write();
    let status = |last_used: Value, arguments: &[&str]| {
        let grants = account(&json!({"RoleLastUsed": last_used}));
        let grants = job.file("account.json", &grants.to_string());
        let arguments = [&["--format", "json"], arguments].concat();
        let report = parsed(&report(&data, &grants, &arguments));
        find(&report, "iam:PassRole", "*")["status"].clone()
    };
    let at = |date: &str, region: &str| json!({"LastUsedDate": date, "Region": region});
    assert_eq!(status(json!({}), &[]), "unused");
    assert_eq!(
        status(at("2026-09-21T14:20:00+00:00", "eu-west-1"), &[]),
        "unused"
    );
    assert_eq!(
        status(at("2026-09-21T14:20:00+00:00", "us-east-1"), &[]),
        "unknown"
    );
    assert_eq!(
        status(at("2026-09-23T00:00:00Z", "eu-west-1"), &[]),
        "unknown"
    );
    assert_eq!(status(at("yesterday", "eu-west-1"), &[]), "unknown");
    assert_eq!(status(json!({}), &["--used-elsewhere", ROLE]), "unknown");
}

#[test]
fn a_key_whose_principal_was_not_observed_leaves_every_grant_unknown() {
    let mut job = nightly();
    for row in &mut job.tables.usage {
        row.principal = row
            .principal
            .as_ref()
            .map(|_| "AKIAQNZGKIQY56JQ7WML".into());
        row.access_key_id.clone_from(&row.principal);
    }
    let output = job.report(&["--format", "json"]);
    let report = parsed(&output);
    let name = "key AKIAQNZGKIQY56JQ7WML (principal not observed)";
    assert_eq!(report["principals"][1]["principal"], name);
    let role = report["principals"][0]["evidence"]
        .as_array()
        .expect("a list");
    assert_eq!(role.len(), 5);
    assert!(
        role.iter().all(|entry| entry["status"] == "unknown"),
        "{role:#?}"
    );
    assert!(
        report["coverage"]["notes"]
            .to_string()
            .contains("--principal-of")
    );

    let of = format!("AKIAQNZGKIQY56JQ7WML={ROLE}");
    let report = parsed(&job.report(&["--format", "json", "--principal-of", &of]));
    assert_eq!(find(&report, "s3:GetObject", OBJECT)["status"], "used");
    assert_eq!(find(&report, "iam:PassRole", "*")["status"], "unused");
}

#[test]
fn a_request_that_is_not_known_leaves_its_service_unknown() {
    let mut job = nightly();
    job.call("s3:*", "*", Outcome::Allowed);
    job.check("s3:DeleteObject", OBJECTS, "unknown");
    job.check("iam:PassRole", "*", "unused");
    job.call("*", "*", Outcome::Allowed);
    job.check("iam:PassRole", "*", "unknown");
}

#[test]
fn a_single_policy_is_of_the_principal_that_is_named() {
    let mut job = nightly();
    let data = job.write();
    let policy =
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}"#;
    let policy = job.file("policy.json", policy);
    for name in [ROLE, SESSION, "nightly"] {
        let arguments = ["--principal", name, "--format", "json"];
        let report = parsed(&report(&data, &policy, &arguments));
        assert_eq!(
            find(&report, "s3:GetObject", OBJECT)["status"],
            "used",
            "{name}"
        );
    }
    // Control policies limit it: the folder has one for services and one for resources.
    let limits = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}}"#;
    job.file("scp/1-root/limits.json", limits);
    let everyone = r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*","Action":"s3:GetObjectAcl","Resource":"*"}}"#;
    job.file("rcp/limits.json", everyone);
    job.call("s3:DeleteObject", OBJECT, Outcome::Allowed);
    let data = job.write();
    let (scp, rcp) = (job.path("scp"), job.path("rcp"));
    let folders =
        [&scp, &rcp].map(|path| path.to_str().expect("a temporary folder's name is text"));
    let arguments = [&folders[..], &["--principal", ROLE, "--format", "json"]].concat();
    let report = parsed(&report(&data, &policy, &arguments));
    assert_eq!(
        find(&report, "s3:DeleteObject", OBJECT)["status"],
        "ungranted"
    );
    let evidence = report["principals"][0]["evidence"]
        .as_array()
        .expect("a list");
    let has = |name: &str| evidence.iter().any(|entry| entry["permission"] == name);
    assert!(has("s3:GetObjectTagging") && !has("s3:PutObjectTagging") && !has("s3:GetObjectAcl"));
}

#[test]
fn capabilities_and_secrets_have_statuses_of_their_own() {
    let job = nightly();
    job.check("use", "CAP_NET_BIND_SERVICE", "used");
    job.check("use", "CAP_NET_RAW", "unused");
    job.check("read", "/run/secrets/token", "unused");
    job.check("run as", "uid 0", "implied");
    let mut lossy = nightly();
    (lossy.tables.coverage[4].seen, lossy.tables.coverage[4].lost) = (1, 1);
    lossy.check("use", "CAP_NET_RAW", "unknown");
    lossy.check("use", "CAP_NET_BIND_SERVICE", "used");
}

#[test]
fn fail_on_gives_exit_status_3_where_its_condition_holds() {
    let code = |on: &str| nightly().report(&["--fail-on", on]).status.code();
    assert_eq!(code("ungranted"), Some(3));
    assert_eq!(code("unknown,unused"), Some(3));
    assert_eq!(code("unknown"), Some(0));
    assert_eq!(code("nothing"), Some(2));
}

#[test]
fn the_report_of_one_subject_has_the_principals_that_it_acts_as() {
    let report = parsed(&nightly().report(&["--format", "json", "--subject", "nightly.py"]));
    assert_eq!(report["principals"].as_array().map(Vec::len), Some(1));
    let output = nightly().report(&["--subject", "perl"]);
    assert_eq!(output.status.code(), Some(1));
}
