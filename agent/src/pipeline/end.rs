//! The end of a window: the generations swap, what the old one holds is drained and counted, and its rows are written.

use whittle_schemas::record::{Family, RECORD_BYTES};

use crate::{
    clock,
    decode::Decoder,
    kernel,
    model::{Event, Touch},
    sink,
};

use super::{RecordError, Recorder, calls, rows};

/// A window that has ended: no access begins in its generation any more.
pub(super) struct Ended {
    pub(super) generation: usize,
    end_boottime_ns: u64,
}

impl Recorder {
    pub(super) fn end_window(&mut self) -> Result<(), RecordError> {
        let is_storm = self.windows[self.current].is_full();
        let old = self.turn()?;
        let clock = clock::now();
        // Before the old one is written: at no moment does a recorder that is killed leave nothing that says so.
        let start_us = clock.utc_us(old.end_boottime_ns);
        self.writer.next(start_us, self.config.window);
        self.write_window(&old)?;
        (self.clock, self.start_boottime_ns) = (clock, old.end_boottime_ns);
        if !is_storm {
            // The next window of a storm is about to need as much.
            kernel::give_back();
        }
        Ok(())
    }

    /// Swaps the generations, and reads what belongs to the old one.
    pub(super) fn turn(&mut self) -> Result<Ended, RecordError> {
        let generation = self.probes.generations.swap()?;
        let end_boottime_ns = clock::boottime_ns();
        self.current = 1 - generation;
        // All that belongs to the old generation is in the ring by now, and it is no more than a ring full.
        let ring_full = self.config.limits.ring_bytes as usize / RECORD_BYTES;
        self.read_ring(ring_full);
        Ok(Ended {
            generation,
            end_boottime_ns,
        })
    }

    /// Writes what a generation holds.
    pub(super) fn write_window(&mut self, ended: &Ended) -> Result<(), RecordError> {
        let old = ended.generation;
        for repeats in self.probes.generations.drain(old)? {
            let last_boottime_ns = repeats.last_boottime_ns.min(ended.end_boottime_ns);
            self.windows[old].repeat(repeats.id, repeats.count, last_boottime_ns);
        }
        for loss in self.probes.losses.drain(old)? {
            self.lost_by(old, loss.family, loss.subject, loss.accesses);
        }
        self.end_endpoints(old);
        self.decoder.end(old);
        let counted = self.probes.counters.read(old)?;
        let missed = self.probes.misses.since_last();
        let window = std::mem::take(&mut self.windows[old]);
        let frame = self.frame(self.clock.utc_us(ended.end_boottime_ns));
        let mut tables = rows::tables(
            &window,
            &frame,
            &self.probes.attached().plan,
            &counted
                .since(&self.counted[old])
                .with_missed(missed)
                .with_told(Family::Socket, std::mem::take(&mut self.unended)),
        );
        rows::log_traffic(&window, &tables.coverage);
        calls::add_rows(&mut tables, &window, &self.conversations, &frame);
        self.counted[old] = counted;
        self.unexplained = rows::explain(&mut tables.coverage, self.unexplained);
        if let Some(unwritten_us) = self.writer.unwritten_us(frame.start_us) {
            rows::state_gap(&mut tables.coverage, unwritten_us);
        }
        let times = sink::Window {
            start_us: frame.start_us,
            end_us: frame.end_us,
        };
        let sources = rows::Sources::of(&self.probes.attached().plan);
        let usage = rows::usage(&window, &frame, &sources);
        self.writer.end(times, usage, &tables);
        Ok(())
    }

    /// Says whose lost accesses were, where the kernel's subject is known.
    fn lost_by(&mut self, generation: usize, family: Family, subject: u64, accesses: u64) {
        if let Some(subject) = self.identities.subject_of(subject) {
            self.windows[generation].lost_by(family, &subject, accesses);
        }
    }

    /// Tells of the connects whose end nobody will know.
    pub(super) fn end_connects(&mut self, last: usize) -> Result<(), RecordError> {
        let mut decoder = Decoder::default();
        for record in self.probes.pending.take_all()? {
            if let Ok(Event::Touch(touch)) = decoder.decode(&record) {
                self.unended += 1;
                self.touch(&Touch {
                    generation: last,
                    ..touch
                });
            }
        }
        Ok(())
    }
}
