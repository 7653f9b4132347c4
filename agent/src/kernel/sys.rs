//! Calls of bpf(2) for which aya has no function.

use std::io;

use aya_obj::generated::{bpf_attr, bpf_cmd};
use syscalls::{Sysno, syscall};

/// The call's argument, with nothing in it.
pub(super) fn zeroed() -> bpf_attr {
    // SAFETY: all bits zero is a value of the union of plain integers.
    unsafe { std::mem::zeroed() }
}

/// Makes the call, and gives its result: a descriptor, or 0.
///
/// # Safety
/// What the argument points to is there for as long as the call lasts, and as large as the command says; what the command lets the
/// kernel write to is nobody else's.
///
/// # Errors
/// The kernel refuses.
pub(super) unsafe fn bpf(command: bpf_cmd, attr: &mut bpf_attr) -> io::Result<i32> {
    // SAFETY: the kernel reads and writes as many bytes as the union has; what it points to is the caller's to say.
    let result = unsafe {
        syscall!(
            Sysno::bpf,
            command as u32,
            std::ptr::from_mut(attr),
            size_of::<bpf_attr>()
        )
    };
    let number = result.map_err(|error| io::Error::from_raw_os_error(error.into_raw()))?;
    i32::try_from(number).map_err(io::Error::other)
}
