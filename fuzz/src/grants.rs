//! Policy languages: documents, the export of an account, lines of requests.

use whittle_grants::aws::{
    Account, Caller, Document, Policies, PolicySet, Question, Request, actions,
};

/// A policy document; where it is one, also the actions that it names.
pub fn document(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(document) = Document::parse(text) {
        let _unmatched = actions::unmatched(&document);
    }
}

/// What `get-account-authorization-details` says; where it is that, also what each principal may do.
pub fn account(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let Ok(account) = Account::parse(text) else {
        return;
    };
    for principal in account.principals() {
        let policies = account.policy_set(&principal.arn);
        let policies = policies.expect("a principal of the export has policies, if none");
        let request = Request::new(
            &Caller::new(&principal.arn),
            "s3:GetObject",
            "arn:aws:s3:::bucket/key",
        );
        let first = policies.evaluate(&request);
        assert_eq!(first, policies.evaluate(&request));
    }
}

/// A line of `whittle policy evaluate --requests`.
pub fn question(bytes: &[u8]) {
    let Ok(line) = std::str::from_utf8(bytes) else {
        return;
    };
    let Ok(question) = Question::parse(line) else {
        return;
    };
    if let Ok(policies) = Policies::parse(question.policies) {
        let _decision = PolicySet::new(&policies).evaluate(&question.request);
    }
}
