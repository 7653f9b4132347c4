//! A socket address as strace prints it, as the resource that whittle names it by.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::call::{path_of, split, text_of};

/// The resource of a `{sa_family=...}` structure on a socket; `socket` is the descriptor's argument
/// with its decoration, `folder` the working directory. None for a form that is not known.
#[must_use]
pub fn resource(structure: &str, socket: &str, folder: &[u8]) -> Option<Vec<u8>> {
    let fields = split(structure.strip_prefix('{')?.strip_suffix('}')?);
    let field = |name: &str| {
        fields
            .iter()
            .find_map(|field| field.strip_prefix(name)?.strip_prefix('='))
    };
    let port = |name: &str| {
        field(name)?
            .strip_prefix("htons(")?
            .strip_suffix(')')?
            .parse::<u16>()
            .ok()
    };
    let protocol = protocol(socket)?;
    match field("sa_family")? {
        "AF_INET" => {
            let address = field("sin_addr")?
                .strip_prefix("inet_addr(")?
                .strip_suffix(')')?;
            let address: Ipv4Addr = ip(address)?;
            Some(format!("{address}:{}/{protocol}", port("sin_port")?).into_bytes())
        }
        "AF_INET6" => {
            let address = fields
                .iter()
                .find_map(|field| field.strip_prefix("inet_pton(AF_INET6, "))?;
            let address: Ipv6Addr = ip(address.strip_suffix(", &sin6_addr)")?)?;
            Some(format!("[{address}]:{}/{protocol}", port("sin6_port")?).into_bytes())
        }
        "AF_UNIX" => unix(field("sun_path").unwrap_or("\"\""), folder),
        // A connect to no family takes the peer of a datagram socket away.
        "AF_UNSPEC" => Some(b"disconnect".to_vec()),
        family => Some(
            family
                .strip_prefix("AF_")?
                .to_ascii_lowercase()
                .into_bytes(),
        ),
    }
}

/// The resource of the address that a socket is bound to, as its decoration shows it.
#[must_use]
pub fn bound(socket: &str, folder: &[u8]) -> Option<Vec<u8>> {
    let protocol = protocol(socket)?;
    let address = socket.split_once(":[")?.1.strip_suffix("]>")?;
    if protocol.starts_with("unix") {
        return unix(split(address).get(1)?, folder);
    }
    address
        .contains(':')
        .then(|| format!("{address}/{protocol}").into_bytes())
}

/// The resource of the own address of an accepted socket, as the decoration of a result shows it.
#[must_use]
pub fn connected(decoration: &str, folder: &[u8]) -> Option<Vec<u8>> {
    let protocol = protocol(decoration)?;
    let address = decoration.split_once(":[")?.1.strip_suffix("]>")?;
    if protocol.starts_with("unix") {
        // `20387->20388,"\x2f\x72"`: inodes, and the path where there is one.
        return unix(split(address).get(1).map_or("\"\"", String::as_str), folder);
    }
    let (own, _) = address.split_once("->")?;
    Some(format!("{own}/{protocol}").into_bytes())
}

/// `tcp` of `3<TCPv6:[20394]>`.
fn protocol(socket: &str) -> Option<String> {
    let (_, decoration) = socket.split_once('<')?;
    let (name, _) = decoration.split_once(":[")?;
    Some(name.trim_end_matches("v6").to_ascii_lowercase())
}

fn ip<A: std::str::FromStr>(quoted: &str) -> Option<A> {
    String::from_utf8(text_of(quoted)?).ok()?.parse().ok()
}

fn unix(path: &str, folder: &[u8]) -> Option<Vec<u8>> {
    if let Some(name) = path.strip_prefix('@') {
        return Some([b"unix:@".as_slice(), &text_of(name)?].concat());
    }
    let path = text_of(path)?;
    let path = if path.is_empty() {
        path
    } else {
        path_of(folder, &path)
    };
    Some([b"unix:".as_slice(), &path].concat())
}

#[cfg(test)]
mod tests {
    use super::{bound, connected, resource};

    #[track_caller]
    fn check(structure: &str, socket: &str, expected: &str) {
        let resource = resource(structure, socket, b"/srv")
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        assert_eq!(resource.as_deref(), Some(expected));
    }

    #[test]
    fn addresses_are_named_as_whittle_names_them() {
        check(
            r#"{sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("\x31\x2e\x31\x2e\x31\x2e\x31")}"#,
            "3<TCP:[20384]>",
            "1.1.1.1:80/tcp",
        );
        check(
            r#"{sa_family=AF_INET6, sin6_port=htons(53), sin6_flowinfo=htonl(0), inet_pton(AF_INET6, "\x3a\x3a\x31", &sin6_addr), sin6_scope_id=0}"#,
            "5<UDPv6:[[::1]:34675->[::1]:53]>",
            "[::1]:53/udp",
        );
        check(
            r#"{sa_family=AF_UNIX, sun_path="\x2f\x72"}"#,
            "6<UNIX-STREAM:[20387]>",
            "unix:/r",
        );
        check(
            r#"{sa_family=AF_UNIX, sun_path="\x72"}"#,
            "6<UNIX:[20387]>",
            "unix:/srv/r",
        );
        check(
            r#"{sa_family=AF_UNIX, sun_path=@"\x72\x00\x73"}"#,
            "6<UNIX:[20387]>",
            "unix:@r\0s",
        );
        check(
            "{sa_family=AF_NETLINK, nl_pad=0x6100, nl_pid=0, nl_groups=00000000}",
            "6<NETLINK:[2]>",
            "netlink",
        );
    }

    #[test]
    fn a_bound_socket_names_its_address() {
        assert_eq!(
            bound("3<TCP:[127.0.0.1:47063]>", b"/srv").as_deref(),
            Some(b"127.0.0.1:47063/tcp".as_slice())
        );
        assert_eq!(
            bound("3<TCPv6:[[::1]:80]>", b"/srv").as_deref(),
            Some(b"[::1]:80/tcp".as_slice())
        );
        assert_eq!(
            bound(r#"3<UNIX-STREAM:[1,"\x72"]>"#, b"/srv").as_deref(),
            Some(b"unix:/srv/r".as_slice())
        );
        assert_eq!(bound("3<TCP:[20384]>", b"/srv"), None);
        assert_eq!(
            connected("4<TCPv6:[[::1]:80->[::1]:40200]>", b"/srv").as_deref(),
            Some(b"[::1]:80/tcp".as_slice())
        );
    }
}
