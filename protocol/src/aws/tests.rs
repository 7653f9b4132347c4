//! What the decoder says of requests as the documentation shows them, form by form. Against botocore itself it is held
//! by `tests/tests/decode_botocore.rs`.

mod forms;
mod hostile;
mod hosts;
mod keys;
mod resources;

use super::{Call, Reason, Request, Unmapped, decode, origin};

pub(super) const KEY: &str = "ASIAQNZGKIQY56JQ7WML";

/// A request that is signed for `scope` (`REGION/SERVICE`), with what a test changes of it.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) method: String,
    pub(super) host: String,
    pub(super) path: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    pub(super) complete: bool,
}

impl Asked {
    pub(super) fn new(scope: &str, method: &str, host: &str, path: &str) -> Self {
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={KEY}/20261122/{scope}/aws4_request, SignedHeaders=host;x-amz-date, Signature=0123456789abcdef"
        );
        Self::unsigned(method, host, path).header("Authorization", &authorization)
    }

    pub(super) fn unsigned(method: &str, host: &str, path: &str) -> Self {
        Self {
            method: method.to_owned(),
            host: host.to_owned(),
            path: path.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
            complete: true,
        }
    }

    pub(super) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(super) fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.body = body.as_ref().to_vec();
        self
    }

    pub(super) fn cut(mut self, at: usize) -> Self {
        self.body.truncate(at);
        self.complete = false;
        self
    }

    /// Calls `then` with what the decoder says.
    pub(super) fn decoded<T>(&self, then: impl FnOnce(Result<Call<'_>, Unmapped<'_>>) -> T) -> T {
        let headers: Vec<(&str, &[u8])> = self
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_bytes()))
            .collect();
        then(decode(&Request {
            method: &self.method,
            host: &self.host,
            path: &self.path,
            headers: &headers,
            body: &self.body,
            body_complete: self.complete,
        }))
    }

    /// `service.Operation`, or why there is none.
    pub(super) fn name(&self) -> String {
        self.decoded(|found| match found {
            Ok(call) => format!("{}.{}", call.service, call.operation),
            Err(unmapped) => unmapped.reason.to_string(),
        })
    }

    /// `action resource resource…`, one for each action.
    pub(super) fn uses(&self) -> Vec<String> {
        self.decoded(|found| {
            let call = found.unwrap_or_else(|unmapped| panic!("{self:?}: {}", unmapped.reason));
            let uses = call.actions.iter();
            uses.map(|used| format!("{} {}", used.action, used.resources.join(" ")))
                .collect()
        })
    }

    pub(super) fn reason(&self) -> Reason {
        self.decoded(|found| found.expect_err("it has no name").reason)
    }
}

#[test]
fn the_table_says_where_it_is_from() {
    let origin = origin();
    assert!(!origin.botocore.is_empty() && origin.released.len() == 10);
    assert!(origin.services > 400, "{origin:?}");
    assert_eq!(
        super::table::table().operations.len(),
        origin.operations,
        "{origin:?}"
    );
}

#[test]
fn every_column_of_the_table_is_understood() {
    for operation in &super::table::table().operations {
        let column = operation.actions;
        for value in column.split('{').skip(1) {
            let (value, _) = value.split_once('}').expect("a value ends");
            let (_, transform) = value.split_once('|').unwrap_or((value, ""));
            assert!(
                super::transform::Transform::read(transform).is_some(),
                "{column}"
            );
        }
        let plan = operation.plan();
        assert_eq!(plan.uses.len(), column.split(';').count(), "{column}");
        // More are not looked for.
        assert!(
            plan.paths.len() <= 64,
            "{}: {}",
            operation.name,
            plan.paths.len()
        );
    }
}
