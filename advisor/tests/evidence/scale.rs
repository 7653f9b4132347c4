//! An administrator with many rows of usage. `cargo test --release -p whittle --no-default-features --test evidence scale
//! -- --nocapture` takes 100,000 and prints what it took.

use std::time::Instant;

use super::*;

#[test]
fn an_administrator_with_many_rows_has_every_action_and_every_resource() {
    const ROWS: usize = if cfg!(debug_assertions) {
        5_000
    } else {
        100_000
    };
    let mut job = nightly();
    job.tables.usage.clear();
    for row in 0..ROWS {
        let action = ["s3:GetObject", "s3:PutObject"][row % 2];
        let resource = format!("arn:aws:s3:::orders/{}/{row}.csv", row / 1000);
        job.call(action, &resource, Outcome::Allowed);
    }
    let data = job.write();
    let policy =
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
    let policy = job.file("policy.json", policy);
    for format in ["json", "text"] {
        let begun = Instant::now();
        let output = report(&data, &policy, &["--principal", ROLE, "--format", format]);
        println!(
            "{format}: {:?}, {} bytes",
            begun.elapsed(),
            output.stdout.len()
        );
        assert!(output.status.success());
        if format == "text" {
            let text = String::from_utf8(output.stdout).expect("the report is text");
            println!("{text}");
            assert!(text.contains("used 2, attempted 0"), "{text}");
            continue;
        }
        let report = parsed(&output);
        let all = report["principals"][0]["granted"]
            .as_u64()
            .expect("a number");
        assert!(all > 20_000, "{all}");
        let evidence = report["principals"][0]["evidence"]
            .as_array()
            .expect("a list");
        assert_eq!(evidence.len() as u64, all - 2 + ROWS as u64);
    }
}
