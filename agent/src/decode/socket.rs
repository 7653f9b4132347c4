//! Hook family socket: addresses as people write them.

use std::{
    borrow::Cow,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use whittle_schemas::{
    record::socket::{ACCEPT, BIND, CONNECT, LISTEN, PEER_OFFSET, SEND, SocketBody},
    table::Surface,
};

use crate::model::{Deed, Event};

use super::{DecodeError, Raw, errno, family, path};

const AF_UNSPEC: u16 = 0;
const AF_UNIX: u16 = 1;
const AF_INET: u16 = 2;
const AF_INET6: u16 = 10;
const AF_NETLINK: u16 = 16;
const AF_PACKET: u16 = 17;
const AF_VSOCK: u16 = 40;

pub(super) fn decode(raw: &Raw<'_>) -> Result<Event<'static>, DecodeError> {
    let body: SocketBody = raw.body()?;
    let (_, directory) = raw.text(&body.text)?;
    let length = usize::from(body.address_bytes).min(body.address.len());
    let address = &body.address[..length];
    let directory = path::of_object(directory, &body.text, raw.header.tgid);
    let (outcome, error) = errno::outcome(body.key.errno);
    let deed = Deed {
        family: family(&body.key)?,
        surface: Surface::Network,
        action: action(body.key.action)?.into(),
        detail: peer(&body).or_else(|| netlink(&body)),
        outcome,
        error,
    };
    let resource = resource(address, &body, &directory);
    Ok(raw.touch(body.key, deed, Cow::Owned(resource)))
}

fn action(number: u16) -> Result<&'static str, DecodeError> {
    match number {
        CONNECT => Ok("connect"),
        BIND => Ok("bind"),
        LISTEN => Ok("listen"),
        SEND => Ok("send"),
        ACCEPT => Ok("accept"),
        _ => Err(DecodeError::Unknown {
            what: "socket action",
            number: number.into(),
        }),
    }
}

fn resource(address: &[u8], body: &SocketBody, directory: &[u8]) -> Vec<u8> {
    let Some(family) = bytes_at(address, 0).map(u16::from_ne_bytes) else {
        return format!("{} without an address", family_name(body.family)).into_bytes();
    };
    match family {
        AF_UNIX => return unix(&address[2..], directory),
        AF_UNSPEC => return b"disconnect".to_vec(),
        AF_INET | AF_INET6 => {}
        AF_VSOCK => return vsock(address).into_bytes(),
        AF_PACKET => return packet(address).into_bytes(),
        _ => return family_name(family).into_bytes(),
    }
    match (ip(address), bytes_at(address, 2).map(u16::from_be_bytes)) {
        (Some(ip), Some(port)) => {
            format!("{}/{}", SocketAddr::new(ip, port), transport(body)).into_bytes()
        }
        _ => format!("{} address cut short", family_name(family)).into_bytes(),
    }
}

/// The IP address in a `struct sockaddr`; None where it is cut short, or of another family.
fn ip(address: &[u8]) -> Option<IpAddr> {
    match u16::from_ne_bytes(bytes_at(address, 0)?) {
        AF_INET => bytes_at::<4>(address, 4).map(|ip| IpAddr::V4(Ipv4Addr::from(ip))),
        AF_INET6 => bytes_at::<16>(address, 8).map(|ip| IpAddr::V6(Ipv6Addr::from(ip))),
        _ => None,
    }
}

/// Who was let in: what a network policy of the listener's side is about.
fn peer(body: &SocketBody) -> Option<String> {
    let is_accept = body.key.action == ACCEPT;
    let peer = body.address.get(PEER_OFFSET..).filter(|_| is_accept)?;
    ip(peer).map(|ip| format!("from {ip}"))
}

/// The part of the kernel that a netlink socket talks to: protocols of `include/uapi/linux/netlink.h`.
fn netlink(body: &SocketBody) -> Option<String> {
    const NAMES: [(u16, &str); 17] = [
        (0, "ROUTE"),
        (2, "USERSOCK"),
        (4, "SOCK_DIAG"),
        (5, "NFLOG"),
        (6, "XFRM"),
        (7, "SELINUX"),
        (8, "ISCSI"),
        (9, "AUDIT"),
        (10, "FIB_LOOKUP"),
        (11, "CONNECTOR"),
        (12, "NETFILTER"),
        (15, "KOBJECT_UEVENT"),
        (16, "GENERIC"),
        (18, "SCSITRANSPORT"),
        (20, "RDMA"),
        (21, "CRYPTO"),
        (22, "SMC"),
    ];
    if body.family != AF_NETLINK {
        return None;
    }
    let number = body.protocol;
    let known = NAMES.iter().find(|(known, _)| *known == number);
    Some(known.map_or_else(
        || format!("netlink protocol {number}"),
        |(_, name)| format!("NETLINK_{name}"),
    ))
}

/// A virtual machine's socket, as `CID:PORT`: `struct sockaddr_vm` of `include/uapi/linux/vm_sockets.h`.
fn vsock(address: &[u8]) -> String {
    let number = |at| bytes_at(address, at).map(u32::from_ne_bytes);
    match (number(8), number(4)) {
        (Some(u32::MAX), Some(port)) => format!("vsock:any:{port}"),
        (Some(cid), Some(port)) => format!("vsock:{cid}:{port}"),
        _ => "vsock address cut short".to_owned(),
    }
}

/// A network interface's frames of a protocol: `struct sockaddr_ll` of `include/uapi/linux/if_packet.h`.
fn packet(address: &[u8]) -> String {
    let protocol = bytes_at(address, 2).map(u16::from_be_bytes);
    match (bytes_at(address, 4).map(i32::from_ne_bytes), protocol) {
        (Some(0), Some(protocol)) => format!("packet:any interface:{protocol:#06x}"),
        (Some(interface), Some(protocol)) => {
            format!("packet:interface {interface}:{protocol:#06x}")
        }
        _ => "packet address cut short".to_owned(),
    }
}

/// `unix:/run/x.sock`, `unix:@name` for an abstract one (its first byte is NUL), `unix:` for none.
fn unix(name: &[u8], directory: &[u8]) -> Vec<u8> {
    let mut resource = b"unix:".to_vec();
    match name.split_first() {
        Some((0, abstract_name)) => {
            resource.push(b'@');
            resource.extend_from_slice(abstract_name);
        }
        Some(_) => {
            let path = name.split(|byte| *byte == 0).next().unwrap_or(name);
            if !path.starts_with(b"/") {
                resource.extend_from_slice(directory);
                resource.push(b'/');
            }
            resource.extend_from_slice(path);
        }
        None => {}
    }
    resource
}

/// The transport by the socket's type and protocol.
fn transport(body: &SocketBody) -> String {
    const STREAM: u16 = 1;
    const DATAGRAM: u16 = 2;
    const RAW: u16 = 3;
    match (body.socket_type, body.protocol) {
        (STREAM, 6 | 0) => "tcp".to_owned(),
        (DATAGRAM, 17 | 0) => "udp".to_owned(),
        (STREAM, 262) => "mptcp".to_owned(),
        (DATAGRAM | RAW, 1) => "icmp".to_owned(),
        (DATAGRAM | RAW, 58) => "icmp6".to_owned(),
        (_, 132) => "sctp".to_owned(),
        (RAW, protocol) => format!("raw-{protocol}"),
        (kind, protocol) => format!("type-{kind}-protocol-{protocol}"),
    }
}

/// Names of `include/linux/socket.h`, lower case without `AF_`.
fn family_name(family: u16) -> String {
    match family {
        AF_UNIX => "unix".to_owned(),
        AF_INET => "inet".to_owned(),
        AF_INET6 => "inet6".to_owned(),
        AF_NETLINK => "netlink".to_owned(),
        AF_PACKET => "packet".to_owned(),
        38 => "alg".to_owned(),
        AF_VSOCK => "vsock".to_owned(),
        44 => "xdp".to_owned(),
        other => format!("family-{other}"),
    }
}

fn bytes_at<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use whittle_schemas::record::{Text, socket::ADDRESS_BYTES};
    use zerocopy::FromZeros;

    use super::*;

    fn check(address: &[u8], kind: u16, protocol: u16, expected: &str) {
        let mut body = SocketBody::new_zeroed();
        assert!(address.len() <= ADDRESS_BYTES);
        body.text = Text {
            asked_bytes: 0,
            walked_bytes: 0,
            walk_flags: 0,
            magic: 0,
        };
        (body.socket_type, body.protocol) = (kind, protocol);
        let found = resource(address, &body, b"/work dir");
        assert_eq!(String::from_utf8_lossy(&found), expected);
    }

    #[test]
    fn addresses_are_written_as_people_write_them() {
        check(
            &[2, 0, 0x14, 0xe9, 127, 0, 0, 1],
            1,
            6,
            "127.0.0.1:5353/tcp",
        );
        check(
            &[2, 0, 0, 53, 10, 0, 0, 1, 9, 9, 9, 9],
            2,
            17,
            "10.0.0.1:53/udp",
        );
        let mut six = vec![10, 0, 0, 80, 0, 0, 0, 0];
        six.extend_from_slice(&Ipv6Addr::LOCALHOST.octets());
        check(&six, 1, 6, "[::1]:80/tcp");
        check(b"\x01\x00/run/x.sock\x00junk", 1, 0, "unix:/run/x.sock");
        check(b"\x01\x00x.sock\x00", 1, 0, "unix:/work dir/x.sock");
        check(b"\x01\x00\x00name", 1, 0, "unix:@name");
        check(b"\x01\x00", 1, 0, "unix:");
        check(b"\x10\x00\x00\x00", 3, 0, "netlink");
        check(
            &[40, 0, 0, 0, 0xd2, 4, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0],
            1,
            0,
            "vsock:2:1234",
        );
        check(
            &[17, 0, 0, 3, 2, 0, 0, 0],
            3,
            0,
            "packet:interface 2:0x0003",
        );
        check(&[17, 0, 0, 3], 3, 0, "packet address cut short");
    }

    #[test]
    fn a_netlink_socket_says_which_part_of_the_kernel_it_talks_to() {
        let check = |family, protocol, expected: Option<&str>| {
            let mut body = SocketBody::new_zeroed();
            (body.family, body.protocol) = (family, protocol);
            assert_eq!(netlink(&body).as_deref(), expected);
        };
        check(AF_NETLINK, 0, Some("NETLINK_ROUTE"));
        check(AF_NETLINK, 9, Some("NETLINK_AUDIT"));
        check(AF_NETLINK, 23, Some("netlink protocol 23"));
        check(AF_INET, 6, None);
    }

    #[test]
    fn an_address_that_is_cut_short_is_said_to_be() {
        check(&[2, 0, 0, 53, 10], 2, 17, "inet address cut short");
        check(&[2], 2, 17, "family-0 without an address");
    }
}
