//! Waiting for descriptors. What is waited for, and for how long, is decided in `pipeline` and `pace`.

use std::time::Duration;

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fd::BorrowedFd,
};

use super::RecordError;

/// These descriptors, to be read from.
pub(super) fn polled<'a>(descriptors: &[BorrowedFd<'a>]) -> Vec<PollFd<'a>> {
    descriptors
        .iter()
        .map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN))
        .collect()
}

/// The first of these that is readable; None where none is for as long as said.
pub(super) fn wait(
    wanted: &mut [PollFd<'_>],
    left: Duration,
) -> Result<Option<usize>, RecordError> {
    let left = Timespec::try_from(left).unwrap_or(Timespec {
        tv_sec: 1,
        tv_nsec: 0,
    });
    match poll(wanted, Some(&left)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => {}
        Err(error) => return Err(RecordError::Wait(error)),
    }
    Ok(wanted.iter().position(|fd| !fd.revents().is_empty()))
}
