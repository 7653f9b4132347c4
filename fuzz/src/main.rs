//! Targets for libFuzzer, one per decoder or reader of what others write. `WHITTLE_FUZZ` says which one runs, so that
//! all of them are one program. A target may find more than a panic: each says what else has to hold.
#![no_main]

mod advice;
mod aws;
mod conversation;
mod grants;
mod payload;
mod record;

use std::{env, process, sync::LazyLock};

type Target = fn(&[u8]);

const TARGETS: &[(&str, Target)] = &[
    ("account", grants::account),
    ("aws", aws::aws),
    ("conversation", conversation::conversation),
    ("credentials", payload::credentials),
    ("dns", payload::dns),
    ("document", grants::document),
    ("http1", payload::http1),
    ("http1_split", payload::http1_split),
    ("policies", advice::policies),
    ("question", grants::question),
    ("record", record::record),
    ("tls_hello", payload::tls_hello),
];

static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let name = env::var("WHITTLE_FUZZ").unwrap_or_default();
    if let Some((_, target)) = TARGETS.iter().find(|(known, _)| *known == name) {
        return *target;
    }
    for (name, _) in TARGETS {
        println!("{name}");
    }
    process::exit(if name == "list" { 0 } else { 2 });
});

libfuzzer_sys::fuzz_target!(
    init: {
        // Before libFuzzer takes an exit for a crash.
        LazyLock::force(&TARGET);
    },
    |bytes: &[u8]| (*TARGET)(bytes)
);
