//! What comes out of conversations: calls to a cloud, and the endpoints that were talked to. Nothing here can hold a
//! secret: names, ids and counts alone.

use whittle_schemas::table::Outcome;

/// One action on one resource, asked for by one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Kernel subject id, as in [`whittle_schemas::record::usage::UsageKey::subject`].
    pub subject: u64,
    /// Which window it counts in: 0 or 1.
    pub generation: usize,
    /// When its end was seen, on `CLOCK_BOOTTIME`.
    pub boottime_ns: u64,
    /// What was asked for.
    pub request: Requested,
}

/// What was asked for, and how it ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Requested {
    /// IAM action, such as `s3:GetObject`; `s3:*` or `*` where it may have been any.
    pub action: String,
    /// ARN, or `*`.
    pub resource: String,
    /// How it ended; allowed where no response was seen.
    pub outcome: Outcome,
    /// Code or HTTP status of the error.
    pub error: Option<String>,
    /// Such as `s3.GetObject`; `unmapped` for one that is not known.
    pub operation: String,
    /// Whom it was asked of, as in [`Endpoint::name`].
    pub endpoint: String,
    /// Region that it was signed for.
    pub region: Option<String>,
    /// Account that the key belongs to.
    pub account: Option<String>,
    /// Key that signed it.
    pub access_key_id: Option<String>,
    /// How its bytes were read.
    pub medium: Medium,
}

/// How the bytes of a request were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Medium {
    /// As plaintext, at OpenSSL's functions.
    Openssl,
    /// On the socket.
    Http,
}

impl Medium {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Openssl, Self::Http];

    /// Its name in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Openssl => "openssl",
            Self::Http => "http",
        }
    }
}

/// The connections of one subject to one endpoint in one window.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoint {
    /// Kernel subject id.
    pub subject: u64,
    /// Name and port, or address and port.
    pub name: String,
    /// Where the name is from.
    pub name_source: Option<NameSource>,
    /// Whose it is: `aws`.
    pub provider: Option<&'static str>,
    /// Connections that there were.
    pub connections: u64,
    /// How many of them could be read.
    pub readable: u64,
    /// How many of these were understood.
    pub decoded: u64,
    /// Requests that were read.
    pub requests: u64,
    /// How many of them ask a cloud for nothing that is known.
    pub requests_unmapped: u64,
    /// Why connections were not readable or not understood.
    pub reasons: Vec<&'static str>,
    /// First and last sign of them in the window, on `CLOCK_BOOTTIME`; None where they were only open.
    pub seen_boottime_ns: Option<(u64, u64)>,
}

/// Where the name of an endpoint is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NameSource {
    /// The TLS hello.
    Sni,
    /// An answer of a name server, to the same process.
    Dns,
    /// The HTTP request.
    Host,
}

impl NameSource {
    /// Its name in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sni => "sni",
            Self::Dns => "dns",
            Self::Host => "host",
        }
    }
}

impl Endpoint {
    /// Adds what another one of the same name counted.
    pub fn add(&mut self, other: &Self) {
        self.name_source = self.name_source.or(other.name_source);
        self.provider = self.provider.or(other.provider);
        self.connections += other.connections;
        self.readable += other.readable;
        self.decoded += other.decoded;
        self.requests += other.requests;
        self.requests_unmapped += other.requests_unmapped;
        for reason in &other.reasons {
            if !self.reasons.contains(reason) {
                self.reasons.push(reason);
            }
        }
        self.seen_boottime_ns = match (self.seen_boottime_ns, other.seen_boottime_ns) {
            (Some((first, last)), Some((other_first, other_last))) => {
                Some((first.min(other_first), last.max(other_last)))
            }
            (one, other) => one.or(other),
        };
    }
}
