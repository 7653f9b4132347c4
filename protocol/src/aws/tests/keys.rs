//! Access keys: their kinds, and the accounts in them.

use crate::aws::{Account, KeyKind};

#[test]
fn the_account_is_read_from_the_key_id() {
    // Pairs that `aws sts get-access-key-info` has been shown to give, in public.
    for (key, account) in [
        ("ASIAQNZGKIQY56JQ7WML", "029608264753"),
        ("ASIAY34FZKBOKMUTVV7A", "609629065308"),
        ("AKIAIOSFODNN7EXAMPLE", "581039954779"),
    ] {
        let read = Account::of_key(key).expect("the id holds an account");
        assert_eq!(read.as_str(), account, "{key}");
    }
}

#[test]
fn other_ids_hold_no_account() {
    for key in [
        "",
        "AKIA",
        "testing",
        "AKIAIOSFODNN7EXAMPL",
        "AKIAIOSFODNN7EXAMPLEX",
        "AKIA10SFODNN7EXAMPLE",
        "äKIAIOSFODNN7EXAMPL",
    ] {
        assert_eq!(Account::of_key(key), None, "{key}");
    }
    assert_eq!(Account::of_number(1_000_000_000_000), None);
    assert_eq!(
        Account::of_number(7).expect("it is short").as_str(),
        "000000000007"
    );
}

#[test]
fn kinds_follow_from_the_first_letters() {
    for (key, name) in [
        (Some("AKIAIOSFODNN7EXAMPLE"), "static"),
        (Some("ASIAIOSFODNN7EXAMPLE"), "temporary"),
        (Some("testing"), "unknown"),
        (Some("AK"), "unknown"),
        (None, "unknown"),
    ] {
        assert_eq!(KeyKind::of(key).name(), name);
    }
}
