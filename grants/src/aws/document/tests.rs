//! What is read from documents, and what is said of bad ones.

use super::*;

#[test]
fn a_single_statement_with_single_values_reads_like_lists() {
    let one = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}}"#;
    let lists = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:Get*"],"Resource":["*"]}]}"#;
    let (one, lists) = (Document::parse(one), Document::parse(lists));
    assert_eq!(
        one.expect("a policy").statements,
        lists.expect("a policy").statements
    );
}
