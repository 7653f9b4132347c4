//! Who is at the other end of a connection, and who sent a datagram.

use whittle_schemas::record::payload::{PEER_IPV4, PEER_IPV6, PEER_UNKNOWN, Peer};

use crate::{
    address::{AF_INET, AF_INET6},
    config::offset,
    kernel::{read, read_or_zero},
    syscall::read_user_or_zero,
};

/// Who sent a datagram: the peer of a connected socket, or whom the kernel named to the caller.
#[inline(always)]
pub(crate) fn sender(sock: u64, name: u64, in_kernel: u64) -> Peer {
    let from = of_socket(sock);
    if from.port == 0 && name != 0 {
        named(name, in_kernel)
    } else {
        from
    }
}

pub(crate) const NO_PEER: Peer = Peer {
    family: PEER_UNKNOWN,
    port: 0,
    pad: 0,
    address: [0; 2],
};

/// Whom a socket is connected to.
#[inline(always)]
pub(crate) fn of_socket(sock: u64) -> Peer {
    let port = read_or_zero(sock, offset!(sock_peer_port));
    let mut peer = Peer { port, ..NO_PEER };
    match read::<u16>(sock, offset!(sock_family)) {
        Some(AF_INET) => {
            peer.family = PEER_IPV4;
            let address: u32 = read_or_zero(sock, offset!(sock_peer));
            peer.address[0] = u64::from(address);
        }
        Some(AF_INET6) => {
            peer.family = PEER_IPV6;
            peer.address = read_or_zero(sock, offset!(sock_v6_peer));
        }
        _ => {}
    }
    peer
}

/// Who sent a datagram, by the `struct sockaddr` that the caller got, or gets.
#[inline(always)]
fn named(name: u64, in_kernel: u64) -> Peer {
    let read_at = |place: u64| -> u64 {
        if in_kernel == 0 {
            read_user_or_zero(name + place)
        } else {
            read_or_zero(name + place, 0)
        }
    };
    let head = read_at(0);
    let port = (head >> 16) as u16;
    let mut peer = Peer { port, ..NO_PEER };
    match head as u16 {
        AF_INET => {
            peer.family = PEER_IPV4;
            peer.address[0] = head >> 32;
        }
        AF_INET6 => {
            peer.family = PEER_IPV6;
            peer.address = [read_at(8), read_at(16)];
        }
        _ => {}
    }
    peer
}
