//! An act on a socket, whoever saw it: counted where it repeats one, else described and sent, as `access` does it for files.

use aya_ebpf::helpers::generated::{bpf_probe_read_kernel, bpf_probe_read_user};
use whittle_schemas::record::{
    Family, KIND_SOCKET,
    counter::Reason,
    process::Task,
    socket::{ACCEPT, LISTEN, SocketBody},
};

use crate::{
    address::{
        Address, NO_SOCKET, add_peer, bounded, find_socket, is_relative_path, object, of_file,
        own_address,
    },
    connect::{self, EINPROGRESS, GOES_ON},
    emit,
    path::{self, Path},
    scratch,
    sighting::Sighting,
    subject,
    syscall::Call,
    usage,
    wake::Urgency,
};

/// What was done to which socket, and with which address.
pub(crate) struct Act {
    pub(crate) action: u16,
    pub(crate) of: Of,
    pub(crate) address: u64,
    pub(crate) address_bytes: u64,
    pub(crate) errno: i32,
}

/// Which socket it was, and so where the address is.
#[derive(Clone, Copy)]
pub(crate) enum Of {
    /// That of a descriptor, with an address in the caller's memory.
    Descriptor(u64),
    /// That of a `struct file`, with an address in the kernel's memory.
    File(u64),
}

impl Act {
    /// That of a system call, whose first argument is a descriptor.
    #[inline(always)]
    pub(crate) fn of(call: &Call, action: u16, address: u64, address_bytes: u64) -> Self {
        Self {
            action,
            of: Of::Descriptor(call.argument(0)),
            address,
            address_bytes,
            errno: call.errno(),
        }
    }

    /// All but the address, as one global function passes it to another: in the first number's upper three quarters action, length,
    /// errno and whose; in the second the descriptor or the file.
    #[inline(always)]
    fn packed(&self) -> (u64, u64) {
        let (number, is_file) = match self.of {
            Of::Descriptor(number) => (number, 0),
            Of::File(file) => (file, BY_FILE),
        };
        let what = (u64::from(self.action) << 16)
            | (u64::from(bounded(self.address_bytes as u32)) << 32)
            | (u64::from(self.errno as u32 & 0x7fff) << 40)
            | is_file;
        (what, number)
    }

    #[inline(always)]
    fn unpacked(what: u64, number: u64, address: u64) -> Self {
        Self {
            action: (what >> 16) as u16,
            of: if what & BY_FILE == 0 {
                Of::Descriptor(number & 0xffff_ffff)
            } else {
                Of::File(number)
            },
            address,
            address_bytes: (what >> 32) & 0xff,
            errno: (what >> 40) as i32 & 0x7fff,
        }
    }
}

/// In what [`Act::packed`] gives: the socket is that of a `struct file`.
const BY_FILE: u64 = 1 << 63;

/// Tells of an act of a watched process.
#[inline(always)]
pub(crate) fn touch(task: *mut Task, act: &Act) {
    let sighting = Sighting::by(task, Family::Socket);
    sighting.ended(touch_by(sighting, act));
}

#[inline(always)]
fn touch_by(sighting: Sighting, act: &Act) -> Result<(), Reason> {
    let subject = subject::of(sighting.task)?;
    let (what, number) = act.packed();
    let what = what | u64::from(sighting.packed());
    Reason::or_recorded(touch_socket(what, number, act.address, subject))
}

/// A global function, which the verifier checks once and not again for each caller and message, with a stack of
/// its own. On 5.10 those take plain numbers only: generation and family, action, the address's length and errno share one.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn touch_socket(what: u64, number: u64, address: u64, subject: u64) -> u32 {
    let act = Act::unpacked(what, number, address);
    Reason::number(try_touch(Sighting::unpacked(what as u32), &act, subject))
}

#[inline(always)]
fn try_touch(sighting: Sighting, act: &Act, subject: u64) -> Result<(), Reason> {
    scratch::with(|scratch, slot| {
        // The body is put together where it is sent from: with the address on the stack, the chain of calls from
        // sendmmsg to a step of a walk would pass the 512 bytes that there are.
        let (what, number) = act.packed();
        let what = what | u64::from(sighting.packed());
        Reason::or_recorded(describe_socket(slot, what, number, act.address, subject))?;
        // SAFETY: the slot is this program's alone, and has room for the body, which is plain integers.
        let body = unsafe { &mut *scratch.body::<SocketBody>() };
        if act.errno == EINPROGRESS {
            let errno = connect::outcome(slot);
            if errno == GOES_ON {
                // It counts when it is told: this takes one off.
                sighting.count_by(Reason::Seen, u64::MAX);
                return Ok(());
            }
            usage::set_errno(&mut body.key, errno as i32);
        }
        let key = body.key;
        if usage::repeat(sighting.generation, key.id) {
            return Ok(());
        }
        let mut text = path::EMPTY;
        if is_relative_path(Address::of(body), u32::from(body.address_bytes))
            && let Some(directory) = Path::working_directory()
        {
            path::walk(slot, directory, &mut text);
        }
        body.header = emit::header::<SocketBody>(KIND_SOCKET, sighting.generation.flags(), &text);
        body.text = text;
        emit::send_as_it_is::<SocketBody>(scratch, &text, Urgency::Later)?;
        usage::begin(sighting.generation, sighting.family, key.id);
        Ok(())
    })
}

/// Finds out which socket and address an act is about, and puts that into the body in the slot. A global function, so that the
/// verifier need not follow what comes after for each way in which something may not be there.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn describe_socket(
    slot: u32,
    what: u64,
    number: u64,
    address: u64,
    subject: u64,
) -> u32 {
    let Some(scratch) = scratch::of(slot) else {
        return Reason::Nested as u32;
    };
    // SAFETY: as in `try_touch`.
    let body = unsafe { &mut *scratch.body::<SocketBody>() };
    let sighting = Sighting::unpacked(what as u32);
    Reason::number(describe(
        body,
        &Act::unpacked(what, number, address),
        sighting,
        subject,
    ))
}

#[inline(always)]
fn describe(
    body: &mut SocketBody,
    act: &Act,
    sighting: Sighting,
    subject: u64,
) -> Result<(), Reason> {
    let socket = match act.of {
        Of::Descriptor(number) => find_socket(number),
        Of::File(file) => of_file(file),
    };
    let socket = socket.unwrap_or(NO_SOCKET);
    let address = Address::cleared(body);
    let length = match act.action {
        LISTEN | ACCEPT => own_address(&socket, address)?,
        _ => given_address(act, address)?,
    };
    let mut object = object(&socket, address, length);
    if act.action == ACCEPT {
        add_peer(&mut object, &socket, address);
    }
    body.key = sighting.key(subject, act.action, act.errno, object);
    body.family = socket.family;
    body.socket_type = socket.kind;
    body.protocol = socket.protocol;
    body.address_bytes = length as u16;
    // Until the header is written, its place says which socket it is.
    body.header.boottime_ns = socket.sock;
    Ok(())
}

/// The address that the caller passed: at most [`ADDRESS_BYTES`] of it.
#[inline(always)]
fn given_address(act: &Act, address: &mut Address) -> Result<u32, Reason> {
    let length = bounded(act.address_bytes as u32);
    let (to, from) = (address.words.as_mut_ptr().cast(), act.address as *const _);
    // SAFETY: `address` has ADDRESS_BYTES bytes.
    let read = unsafe {
        match act.of {
            Of::Descriptor(_) => bpf_probe_read_user(to, length, from),
            Of::File(_) => bpf_probe_read_kernel(to, length, from),
        }
    };
    if read == 0 {
        Ok(length)
    } else {
        Err(Reason::ObjectUnknown)
    }
}
