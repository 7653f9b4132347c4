//! Table `usage`: what each subject touched, counted. A row, and the same borrowed from where its parts stand.

use super::{
    column::{Nullable, Required},
    kind::{Bytes, Number, OneOf, Text, Time},
    table,
    word::{Outcome, Surface},
};

table! {
    /// What one subject did to one resource in one window, with one outcome: how often, first and last.
    UsageRow is "usage" {
        /// Start of the window that the row belongs to.
        "window_start", window_start_us: i64 = Required<Time>;
        /// End of the window that the row belongs to.
        "window_end", window_end_us: i64 = Required<Time>;
        /// Name of the cluster, or of the place where `whittle record` ran.
        "cluster", cluster: String = Required<Text>;
        /// Name of the node.
        "node", node: String = Required<Text>;
        /// Who acted: a row of table `subjects`.
        "subject_id", subject_id: String = Required<Text>;
        /// Cloud or Kubernetes identity that the subject acted as; null where none was observed.
        "principal", principal: Option<String> = Nullable<Text>;
        /// What kind of thing was touched.
        "surface", surface: Surface = Required<OneOf<Surface>>;
        /// What was done: `read`, `read+write+create`, `execute`, `connect`, `s3:GetObject`, `use` (a capability), `call` (a
        /// system call); the parts joined by `+`.
        "action", action: String = Required<Text>;
        /// What it was done to: an absolute path, `127.0.0.1:80/tcp`, `unix:/run/x.sock`, an ARN, `CAP_CHOWN`. Escaped:
        /// a backslash is `\\`, a newline `\n`, and a byte that cannot be shown `\xNN`.
        "resource", resource: Vec<u8> = Required<Bytes>;
        /// What further tells the resource apart, such as the name it was asked for by.
        "resource_detail", resource_detail: Option<String> = Nullable<Text>;
        /// How it ended.
        "outcome", outcome: Outcome = Required<OneOf<Outcome>>;
        /// The error it ended with, such as `EACCES`; null where it was allowed.
        "error", error: Option<String> = Nullable<Text>;
        /// How often it happened in the window.
        "count", count: u64 = Required<Number<u64>>;
        /// When it happened first in the window.
        "first_seen", first_seen_us: i64 = Required<Time>;
        /// When it happened last in the window, to 10 ms: the kernel tells repeats by its jiffies, which stand still while a machine sleeps.
        "last_seen", last_seen_us: i64 = Required<Time>;
        /// Hook family and backend that saw it, such as `file/syscall`.
        "source", source: String = Required<Text>;
        /// Operation that a request asked for, such as `s3.GetObject`; `unmapped` for one that is not known.
        "operation", operation: Option<String> = Nullable<Text>;
        /// Endpoint that it was asked of, as in table `endpoints`.
        "endpoint", endpoint: Option<String> = Nullable<Text>;
        /// Region of the cloud that the request was signed for.
        "region", region: Option<String> = Nullable<Text>;
        /// Account of the key that signed the request.
        "account", account: Option<String> = Nullable<Text>;
        /// Id of the key that signed the request.
        "access_key_id", access_key_id: Option<String> = Nullable<Text>;
    }
}

/// A row of `usage`, borrowed: a window has tens of thousands, most of whose texts are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsageRef<'a> {
    /// As in [`UsageRow`], and so are the others.
    pub window_start_us: i64,
    /// See above.
    pub window_end_us: i64,
    /// See above.
    pub cluster: &'a str,
    /// See above.
    pub node: &'a str,
    /// See above.
    pub subject_id: &'a str,
    /// See above.
    pub principal: Option<&'a str>,
    /// See above.
    pub surface: Surface,
    /// See above.
    pub action: &'a str,
    /// See above.
    pub resource: &'a [u8],
    /// See above.
    pub resource_detail: Option<&'a str>,
    /// See above.
    pub outcome: Outcome,
    /// See above.
    pub error: Option<&'a str>,
    /// See above.
    pub count: u64,
    /// See above.
    pub first_seen_us: i64,
    /// See above.
    pub last_seen_us: i64,
    /// See above.
    pub source: &'a str,
    /// See above.
    pub operation: Option<&'a str>,
    /// See above.
    pub endpoint: Option<&'a str>,
    /// See above.
    pub region: Option<&'a str>,
    /// See above.
    pub account: Option<&'a str>,
    /// See above.
    pub access_key_id: Option<&'a str>,
}

impl UsageRow {
    /// The row, borrowed.
    #[must_use]
    pub fn borrowed(&self) -> UsageRef<'_> {
        UsageRef {
            window_start_us: self.window_start_us,
            window_end_us: self.window_end_us,
            cluster: &self.cluster,
            node: &self.node,
            subject_id: &self.subject_id,
            principal: self.principal.as_deref(),
            surface: self.surface,
            action: &self.action,
            resource: &self.resource,
            resource_detail: self.resource_detail.as_deref(),
            outcome: self.outcome,
            error: self.error.as_deref(),
            count: self.count,
            first_seen_us: self.first_seen_us,
            last_seen_us: self.last_seen_us,
            source: &self.source,
            operation: self.operation.as_deref(),
            endpoint: self.endpoint.as_deref(),
            region: self.region.as_deref(),
            account: self.account.as_deref(),
            access_key_id: self.access_key_id.as_deref(),
        }
    }
}
