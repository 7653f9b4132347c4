//! Policies that a replay is asked to try: IAM documents, seccomp profiles in JSON, security contexts in YAML.

use std::sync::LazyLock;

use whittle_advisor::{
    history::{History, Who},
    replay::{self, Policies},
};
use whittle_schemas::table::{Tables, sample};

static HISTORIES: LazyLock<[History; 2]> = LazyLock::new(|| {
    let tables = Tables {
        usage: vec![sample::usage(), sample::cloud_usage()],
        subjects: vec![sample::subject()],
        coverage: vec![sample::coverage()],
        endpoints: vec![sample::endpoint()],
    };
    [
        History::of_cloud(&Who::Everyone, &tables),
        History::of_host(&Who::Everyone, &tables),
    ]
});

/// One file; where it is a policy, also what it does to a history.
pub fn policies(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let Ok(policies) = Policies::parse(&[("policy".to_owned(), text.to_owned())]) else {
        return;
    };
    for history in &*HISTORIES {
        let found = replay::replay(None, history, &policies);
        let counts = found.counts;
        assert_eq!(
            counts.replayed,
            counts.allowed + counts.denied + counts.depends
        );
    }
}
