//! Addresses of sockets: the socket behind a descriptor, its own address and its peer's, in the form of a `struct sockaddr`, and what
//! tells two of them apart.

use aya_ebpf::helpers::generated::bpf_probe_read_kernel;
use whittle_schemas::record::{
    counter::Reason,
    socket::{ADDRESS_BYTES, PEER_OFFSET, SocketBody},
};

use crate::{
    config::{self, offset},
    hash::mix,
    kernel::{self, read, read_or_zero},
    lineage,
    path::Path,
};

/// What the socket itself is.
#[derive(Clone, Copy)]
pub(crate) struct Socket {
    pub(crate) sock: u64,
    inode: u64,
    pub(crate) family: u16,
    pub(crate) kind: u16,
    pub(crate) protocol: u16,
}

impl Socket {
    /// Number of its inode.
    #[inline(always)]
    pub(crate) fn inode_number(&self) -> u64 {
        read_or_zero(self.inode, offset!(inode_ino))
    }
}

/// Where there is no socket, or it is gone.
pub(crate) const NO_SOCKET: Socket = Socket {
    sock: 0,
    inode: 0,
    family: 0,
    kind: 0,
    protocol: 0,
};

/// `S_IFMT` and `S_IFSOCK` of `include/uapi/linux/stat.h`.
const S_IFMT: u16 = 0o170_000;
const S_IFSOCK: u16 = 0o140_000;

/// What a descriptor's socket is; None where it is no socket, or is gone.
#[inline(always)]
pub(crate) fn find_socket(descriptor: u64) -> Option<Socket> {
    find_socket_of(descriptor, |_| true)
}

/// As [`find_socket`], for sockets of some kinds (`SOCK_STREAM` …): of another one no more is read.
#[inline(always)]
pub(crate) fn find_socket_of(descriptor: u64, wanted: impl Fn(u16) -> bool) -> Option<Socket> {
    wanted_of_file(kernel::file_of(descriptor).ok()?, wanted)
}

/// What a `struct file`'s socket is; None where it is no socket.
#[inline(always)]
pub(crate) fn of_file(file: u64) -> Option<Socket> {
    wanted_of_file(file, |_| true)
}

#[inline(always)]
fn wanted_of_file(file: u64, wanted: impl Fn(u16) -> bool) -> Option<Socket> {
    let inode: u64 = read(file, offset!(file_inode))?;
    let mode: u16 = read(inode, offset!(inode_mode))?;
    if mode & S_IFMT != S_IFSOCK {
        return None;
    }
    let socket: u64 = read(file, offset!(file_private_data))?;
    let kind: u16 = read(socket, offset!(socket_type))?;
    if !wanted(kind) {
        return None;
    }
    let sock: u64 = read(socket, offset!(socket_sk))?;
    Some(Socket {
        sock,
        inode,
        family: read(sock, offset!(sock_family))?,
        kind,
        protocol: read(sock, offset!(sock_protocol))?,
    })
}

/// An address, zero-padded, as whole words so that it can be hashed and compared.
#[repr(C, align(8))]
pub(crate) struct Address {
    pub(crate) words: [u64; ADDRESS_BYTES / 8],
}

const _: () = assert!(core::mem::offset_of!(SocketBody, address) % 8 == 0);

impl Address {
    /// The address inside of a body, cleared.
    #[inline(always)]
    pub(crate) fn cleared(body: &mut SocketBody) -> &'static mut Self {
        let address = Self::of(body);
        for word in &mut address.words {
            // SAFETY: a reference. Volatile, or the compiler would call its memset, which goes byte by byte.
            unsafe { core::ptr::write_volatile(word, 0) };
        }
        address
    }

    /// The address inside of a body.
    #[inline(always)]
    pub(crate) fn of(body: &mut SocketBody) -> &'static mut Self {
        #[expect(clippy::cast_ptr_alignment, reason = "the assertion above")]
        let place = (&raw mut body.address).cast::<Self>();
        // SAFETY: as many bytes, aligned as the assertion says, in a slot that outlives the program's run of it.
        unsafe { &mut *place }
    }
}

/// At most [`ADDRESS_BYTES`].
#[inline(always)]
pub(crate) fn bounded(length: u32) -> u32 {
    if length > ADDRESS_BYTES as u32 {
        ADDRESS_BYTES as u32
    } else {
        length
    }
}

const AF_UNIX: u16 = 1;
pub(crate) const AF_INET: u16 = 2;
pub(crate) const AF_INET6: u16 = 10;

/// The address that the socket is bound to, in the form of a sockaddr.
#[inline(always)]
pub(crate) fn own_address(socket: &Socket, address: &mut Address) -> Result<u32, Reason> {
    let sock = socket.sock;
    match socket.family {
        AF_INET => {
            let port: u16 = read(sock, offset!(sock_num)).ok_or(Reason::ObjectUnknown)?;
            let ip: u32 = read(sock, offset!(sock_rcv_saddr)).ok_or(Reason::ObjectUnknown)?;
            address.words[0] = inet_head(AF_INET, port) | (u64::from(ip) << 32);
            Ok(16)
        }
        AF_INET6 => {
            let port: u16 = read(sock, offset!(sock_num)).ok_or(Reason::ObjectUnknown)?;
            let ip: [u64; 2] =
                read(sock, offset!(sock_v6_rcv_saddr)).ok_or(Reason::ObjectUnknown)?;
            address.words[0] = inet_head(AF_INET6, port);
            address.words[1] = ip[0];
            address.words[2] = ip[1];
            Ok(28)
        }
        AF_UNIX if offset!(unix_addr).offset() != 0 => {
            unix_address(sock, address).ok_or(Reason::ObjectUnknown)
        }
        family => {
            address.words[0] = u64::from(family);
            Ok(2)
        }
    }
}

/// Puts the peer's address of an accepted connection behind the own one, and into what tells accesses apart.
#[inline(always)]
pub(crate) fn add_peer(object: &mut [u64; 4], socket: &Socket, address: &mut Address) {
    const PEER: usize = PEER_OFFSET / 8;
    let sock = socket.sock;
    let ip = match socket.family {
        AF_INET => {
            let ip: u32 = read_or_zero(sock, offset!(sock_peer));
            address.words[PEER] = inet_head(AF_INET, 0) | (u64::from(ip) << 32);
            [u64::from(ip), 0]
        }
        AF_INET6 => {
            let ip: [u64; 2] = read_or_zero(sock, offset!(sock_v6_peer));
            address.words[PEER] = inet_head(AF_INET6, 0);
            address.words[PEER + 1] = ip[0];
            address.words[PEER + 2] = ip[1];
            ip
        }
        _ => return,
    };
    object[2] = mix(object[2] ^ ip[0], 0xff51_afd7_ed55_8ccd);
    object[3] = mix(object[3] ^ ip[1], 0xc4ce_b9fe_1a85_ec53);
}

/// The first four bytes of an inet address: family, and port in network order.
#[inline(always)]
fn inet_head(family: u16, port: u16) -> u64 {
    u64::from(family) | (u64::from(port.swap_bytes()) << 16)
}

#[inline(always)]
fn unix_address(sock: u64, address: &mut Address) -> Option<u32> {
    let bound: u64 = read(sock, offset!(unix_addr))?;
    if bound == 0 {
        address.words[0] = u64::from(AF_UNIX);
        return Some(2);
    }
    let length: u32 = read(bound, offset!(unix_address_len))?;
    let length = bounded(length);
    let name = bound + offset!(unix_address_name).offset();
    // SAFETY: `address` has ADDRESS_BYTES bytes.
    let read = unsafe {
        bpf_probe_read_kernel(address.words.as_mut_ptr().cast(), length, name as *const _)
    };
    (read == 0).then_some(length)
}

/// What tells two addresses apart. Clears what is no part of an inet address.
#[inline(always)]
pub(crate) fn object(socket: &Socket, address: &mut Address, length: u32) -> [u64; 4] {
    let kind = (u64::from(socket.kind) << 16)
        | u64::from(socket.protocol)
        | (u64::from(socket.family) << 32);
    match address.words[0] as u16 {
        AF_INET => {
            // The rest is padding that callers leave as it was.
            address.words[1] = 0;
            [address.words[0], kind, 0, 0]
        }
        AF_INET6 => [
            address.words[0],
            address.words[1],
            address.words[2],
            kind | (address.words[3] << 48),
        ],
        _ => {
            let mut one = config::hash_seed() ^ u64::from(length);
            let mut two = config::hash_seed().rotate_left(32);
            let mut index = 0;
            while index < ADDRESS_BYTES / 8 {
                one = mix(one ^ address.words[index], 0xff51_afd7_ed55_8ccd);
                two = mix(
                    two.wrapping_add(address.words[index]),
                    0xc4ce_b9fe_1a85_ec53,
                )
                .rotate_left(27);
                index += 1;
            }
            [one, two, kind, directory_identity(address, length)]
        }
    }
}

/// The directory that a relative Unix path starts from; 0 for all else.
#[inline(always)]
fn directory_identity(address: &Address, length: u32) -> u64 {
    if !is_relative_path(address, length) {
        return 0;
    }
    let identity = || {
        let directory = Path::working_directory()?;
        Some(lineage::identity(directory)? ^ lineage::for_now(directory)?)
    };
    identity().unwrap_or(0)
}

/// Whether this is a Unix socket by a path that is relative: neither abstract nor unnamed.
#[inline(always)]
pub(crate) fn is_relative_path(address: &Address, length: u32) -> bool {
    let family = address.words[0] as u16;
    let first = (address.words[0] >> 16) as u8;
    family == AF_UNIX && length > 2 && first != 0 && first != b'/'
}
