//! What an endpoint is called: by the TLS hello, by the name server that the process asked, by the HTTP request.

use std::net::{IpAddr, SocketAddr};

use whittle_protocol::http1::Request;

use crate::model::NameSource;

use super::{connection::Connection, names::Names};

/// Ends of the names of AWS's endpoints.
const AWS: [&str; 4] = [
    "amazonaws.com",
    "amazonaws.com.cn",
    "api.aws",
    "api.amazonwebservices.com.cn",
];

/// Longest name that a request may give.
const MOST_NAME: usize = 253;

/// What an endpoint is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    /// Name and port, or address and port.
    pub(super) name: String,
    pub(super) source: Option<NameSource>,
}

impl Name {
    /// Whether AWS has such names.
    pub(super) fn is_aws(&self) -> bool {
        let host = self
            .name
            .rsplit_once(':')
            .map_or(&*self.name, |(host, _)| host);
        AWS.iter().any(|domain| {
            let before = host.strip_suffix(domain);
            before.is_some_and(|before| before.is_empty() || before.ends_with('.'))
        })
    }
}

impl Connection {
    /// Finds the connection's name, unless it has one. `request` is the first that was read on it, or above it.
    pub(super) fn find_name(
        &mut self,
        tgid: u32,
        request: Option<&Request>,
        names: &Names,
        boottime_ns: u64,
    ) {
        if self.name.is_none() {
            let request = request.or_else(|| self.waiting());
            let found = self.found(tgid, request, names, boottime_ns);
            self.name = found.filter(|name| name.source.is_some());
        }
    }

    /// Its name, or its address where it has none.
    pub(super) fn name_or_address(&self) -> Name {
        let of_peer = || Name {
            name: self
                .peer
                .map_or_else(|| "unknown".to_owned(), |peer| peer.to_string()),
            source: None,
        };
        self.name.clone().unwrap_or_else(of_peer)
    }

    fn found(
        &self,
        tgid: u32,
        request: Option<&Request>,
        names: &Names,
        boottime_ns: u64,
    ) -> Option<Name> {
        // A proxy is asked for another host than its own.
        if let Some((host, port)) = request.and_then(beyond) {
            return Some(named(host, port, NameSource::Host));
        }
        let peer = self.peer.as_ref();
        let port = |default| peer.map_or(default, SocketAddr::port);
        let hello = self.hello.as_ref();
        let by_hello = hello.and_then(|hello| hello.server_name.as_deref());
        let by_hello = by_hello.map(|name| named(name, port(443), NameSource::Sni));
        let by_answer = peer.and_then(|peer| names.of(tgid, peer.ip(), boottime_ns));
        let by_answer = by_answer.map(|name| named(name, port(0), NameSource::Dns));
        let known = if hello.is_some_and(|hello| hello.has_encrypted_hello) {
            by_answer.or(by_hello)
        } else {
            by_hello.or(by_answer)
        };
        known.or_else(|| {
            let host = request?.header("host")?;
            let (host, its_port) = authority(std::str::from_utf8(host).ok()?)?;
            let default = its_port.unwrap_or(if self.is_plaintext() { 443 } else { 80 });
            Some(named(host, port(default), NameSource::Host))
        })
    }
}

fn named(host: &str, port: u16, source: NameSource) -> Name {
    Name {
        name: format!("{}:{port}", host.to_ascii_lowercase()),
        source: Some(source),
    }
}

/// The host behind a proxy that a request names: `CONNECT host:443`, `GET http://host/`.
fn beyond(request: &Request) -> Option<(&str, u16)> {
    let target = std::str::from_utf8(request.target.expose()).ok()?;
    if request.method == "CONNECT" {
        let (host, port) = authority(target)?;
        return Some((host, port.unwrap_or(443)));
    }
    let (host, port) = authority(target.strip_prefix("http://")?.split(['/', '?']).next()?)?;
    Some((host, port.unwrap_or(80)))
}

/// Name and port of `host:port`; None for what is an address, or no name.
fn authority(text: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) => (host, Some(port.parse().ok()?)),
        None => (text, None),
    };
    let is_name = !host.is_empty()
        && host.len() <= MOST_NAME
        && host
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
    (is_name && host.parse::<IpAddr>().is_err()).then_some((host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_aws_are_told_by_their_ends() {
        let is_aws = |name: &str| {
            let name = Name {
                name: name.to_owned(),
                source: None,
            };
            name.is_aws()
        };
        assert!(is_aws("b.s3.eu-west-1.amazonaws.com:443"));
        assert!(is_aws("s3.cn-north-1.amazonaws.com.cn:443"));
        assert!(is_aws("lambda.eu-west-1.api.aws:443"));
        assert!(!is_aws("notamazonaws.com:443"));
        assert!(!is_aws("amazonaws.com.example.org:443"));
        assert!(!is_aws("127.0.0.1:80"));
    }

    #[test]
    fn an_authority_is_a_name_and_perhaps_a_port() {
        assert_eq!(authority("s3.local:5000"), Some(("s3.local", Some(5000))));
        assert_eq!(authority("s3"), Some(("s3", None)));
        for none in [
            "127.0.0.1:80",
            "[::1]:80",
            "",
            "a b",
            ":80",
            "h:99999",
            "x\r\ny",
        ] {
            assert_eq!(authority(none), None, "{none}");
        }
    }
}
