//! Bad weather: storms of opens, walks, crowds of processes, users and control groups, names that are hostile, maps that are
//! small, and a recorder that is stopped or killed. In each of them memory stays bounded, every loss is counted, and what is recorded is
//! said of nobody else; `whittle_tests::weather` checks the first two of every recording here.

mod clock;
mod crowd;
mod killed;
mod names;
mod small_maps;
mod stopped;
mod storm;
mod turns;
mod unplug;
