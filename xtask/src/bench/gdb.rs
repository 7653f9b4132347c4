//! The part of GDB's remote protocol (GDB manual, appendix E) that stepping through a guest takes. QEMU speaks it on a
//! socket of its own (`-gdb`); while a step is made it keeps interrupts and timers away.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

/// A guest that is stopped whenever nobody asks it to go on.
pub(super) struct Gdb {
    socket: BufReader<UnixStream>,
    acknowledges: bool,
}

impl Gdb {
    /// Stops the guest that listens on this socket.
    pub(super) fn connect(socket: &Path) -> Result<Self> {
        let stream = UnixStream::connect(socket).context("QEMU's socket for GDB")?;
        let mut gdb = Self {
            socket: BufReader::new(stream),
            acknowledges: true,
        };
        gdb.ask("QStartNoAckMode")?;
        gdb.acknowledges = false;
        gdb.ask("?")?;
        Ok(gdb)
    }

    /// Lets it run until it comes to an address.
    pub(super) fn run_to(&mut self, address: u64) -> Result<()> {
        ensure!(
            self.ask(&format!("Z1,{address:x},1"))? == "OK",
            "QEMU sets no breakpoint"
        );
        self.ask("c")?;
        self.ask(&format!("z1,{address:x},1"))?;
        let at = self.program_counter()?;
        ensure!(at == address, "the guest stopped at {at:#x}");
        Ok(())
    }

    /// Lets it run one instruction.
    pub(super) fn step(&mut self) -> Result<()> {
        self.ask("s").map(drop)
    }

    /// Where it is: register 16 of x86-64.
    pub(super) fn program_counter(&mut self) -> Result<u64> {
        let answer = self.ask("p10")?;
        let bytes = hex::decode(&answer).context("QEMU's answer")?;
        let bytes = bytes.try_into().ok().context("eight bytes of a register")?;
        Ok(u64::from_le_bytes(bytes))
    }

    /// Switches it off.
    pub(super) fn kill(mut self) {
        // It may be gone before it answers.
        let _ = self.send("k");
    }

    fn ask(&mut self, question: &str) -> Result<String> {
        self.send(question)?;
        let mut answer = Vec::new();
        self.socket.read_until(b'$', &mut answer)?;
        answer.clear();
        self.socket.read_until(b'#', &mut answer)?;
        if answer.pop() != Some(b'#') {
            bail!("the guest ended");
        }
        self.socket.read_exact(&mut [0; 2])?;
        if self.acknowledges {
            self.socket.get_mut().write_all(b"+")?;
        }
        String::from_utf8(answer).context("QEMU's answer")
    }

    fn send(&mut self, question: &str) -> Result<()> {
        let sum = question.bytes().fold(0_u8, u8::wrapping_add);
        let packet = format!("${question}#{sum:02x}");
        Ok(self.socket.get_mut().write_all(packet.as_bytes())?)
    }
}
