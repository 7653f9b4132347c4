//! A bar on stderr for what takes over a second, where that is a terminal.

use std::{
    io::{self, IsTerminal},
    sync::mpsc::{self, RecvTimeoutError, Sender},
    thread::{self, JoinHandle},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// What takes less time is over before anybody has read the bar.
const SHOWN_AFTER: Duration = Duration::from_secs(1);

/// How often the bar moves.
const TICK: Duration = Duration::from_millis(100);

/// Progress of something; the bar goes when this is dropped.
pub struct Progress {
    bar: ProgressBar,
    /// Dropped to end `shower`.
    done: Option<Sender<()>>,
    shower: Option<JoinHandle<()>>,
}

impl Progress {
    /// Of reading so many files.
    #[must_use]
    pub fn of_files(files: usize) -> Self {
        let bar =
            ProgressBar::with_draw_target(u64::try_from(files).ok(), ProgressDrawTarget::hidden());
        Self::show_later(bar, "reading {bar:30} {pos} of {len} files, {eta} left")
    }

    /// Of something whose length nobody knows.
    #[must_use]
    pub fn of_query() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        Self::show_later(bar, "{spinner} running the query, {elapsed}")
    }

    /// Of reading lines, whose number nobody knows.
    #[must_use]
    pub fn of_lines() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        Self::show_later(bar, "{spinner} {pos} lines, {per_sec}")
    }

    /// One more file or line was read.
    pub fn step(&self) {
        self.bar.inc(1);
    }

    fn show_later(bar: ProgressBar, template: &str) -> Self {
        let style = ProgressStyle::with_template(template).expect("the templates above are right");
        bar.set_style(style);
        if !io::stderr().is_terminal() {
            return Self {
                bar,
                done: None,
                shower: None,
            };
        }
        let (done, ended) = mpsc::channel::<()>();
        let shown = bar.clone();
        let shower = thread::spawn(move || {
            if ended.recv_timeout(SHOWN_AFTER) == Err(RecvTimeoutError::Timeout) {
                shown.set_draw_target(ProgressDrawTarget::stderr());
                shown.enable_steady_tick(TICK);
            }
        });
        Self {
            bar,
            done: Some(done),
            shower: Some(shower),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        drop(self.done.take());
        if let Some(shower) = self.shower.take() {
            // It cannot panic, and a bar that nobody sees would be no failure.
            let _ = shower.join();
        }
        self.bar.finish_and_clear();
    }
}
