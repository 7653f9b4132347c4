//! Payload bytes to calls: what a process said to a cloud endpoint, and what it was answered. Pure: no I/O, no clock.
//! A crate of its own, for it is fuzzed and measured without the probes, and `whittle decode` needs no agent.
