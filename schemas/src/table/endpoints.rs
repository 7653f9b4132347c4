//! Table `endpoints`: with whom each subject talked, and how much of that could be read.

use super::{
    column::{Nullable, Required},
    kind::{Number, Text, Time},
    table,
};

table! {
    /// The connections of one subject to one endpoint in one window: how many there were, and how many of them whittle could read.
    EndpointRow is "endpoints" {
        /// Start of the window that the row belongs to.
        "window_start", window_start_us: i64 = Required<Time>;
        /// End of the window that the row belongs to.
        "window_end", window_end_us: i64 = Required<Time>;
        /// Name of the cluster, or of the place where `whittle record` ran.
        "cluster", cluster: String = Required<Text>;
        /// Name of the node.
        "node", node: String = Required<Text>;
        /// Who connected: a row of table `subjects`.
        "subject_id", subject_id: String = Required<Text>;
        /// Name and port that it connected to, such as `s3.eu-west-1.amazonaws.com:443`; without a name, the address and port.
        "endpoint", endpoint: String = Required<Text>;
        /// Where the name is from: `sni` (the TLS hello), `dns` (an answer that the process received), `host` (the
        /// HTTP request); null without a name.
        "name_source", name_source: Option<String> = Nullable<Text>;
        /// Whose endpoint it is, such as `aws`; null where the name and what was read do not tell.
        "provider", provider: Option<String> = Nullable<Text>;
        /// Connections that were made.
        "connections", connections: u64 = Required<Number<u64>>;
        /// How many of them could be read.
        "readable", readable: u64 = Required<Number<u64>>;
        /// How many of these were understood to their end.
        "decoded", decoded: u64 = Required<Number<u64>>;
        /// Requests that were read.
        "requests", requests: u64 = Required<Number<u64>>;
        /// How many of them ask for nothing that is known.
        "requests_unmapped", requests_unmapped: u64 = Required<Number<u64>>;
        /// Why connections were not readable or not understood; null where all were.
        "unreadable_reason", unreadable_reason: Option<String> = Nullable<Text>;
        /// When it connected or talked first in the window.
        "first_seen", first_seen_us: i64 = Required<Time>;
        /// When it connected or talked last in the window.
        "last_seen", last_seen_us: i64 = Required<Time>;
    }
}

impl EndpointRow {
    /// Whether every connection was read and understood: only then does it say what was not asked for.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.readable == self.connections && self.decoded == self.connections
    }
}
