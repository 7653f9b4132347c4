//! Passing signals on to the command.

use std::{
    io,
    os::{fd::AsFd, unix::net::UnixStream},
};

use rustix::{fd::BorrowedFd, process::Signal};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2},
    iterator::{backend::SignalDelivery, exfiltrator::origin::WithOrigin},
    low_level::siginfo::Cause,
};

use super::command::Child;

/// Signals that would end or ask something of the command.
const PASSED_ON: [i32; 6] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2];

/// Signals sent to whittle, kept for the command.
pub(super) struct Signals(SignalDelivery<UnixStream, WithOrigin>);

impl Signals {
    /// From now on signals do not end whittle.
    pub(super) fn catch() -> io::Result<Self> {
        let (read, write) = UnixStream::pair()?;
        SignalDelivery::with_pipe(read, write, WithOrigin::default(), PASSED_ON).map(Self)
    }

    /// Sends the command what came since. A key on the terminal has reached the command already: the kernel
    /// sends that to the whole group.
    pub(super) fn pass_on(&mut self, child: &Child) {
        for origin in self.0.pending() {
            if origin.cause == Cause::Kernel {
                continue;
            }
            if let Some(signal) = Signal::from_named_raw(origin.signal) {
                child.signal(signal);
            }
        }
    }
}

impl AsFd for Signals {
    /// Readable when a signal came.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.get_read().as_fd()
    }
}
