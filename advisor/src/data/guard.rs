//! Keeps damage in a file from taking the program down: the Parquet reader panics on some.

use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook},
    sync::Once,
};

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

static HOOK: Once = Once::new();

/// Runs `read`, and returns None where it panicked. Such a panic prints nothing: the file is at fault,
/// and the caller names it.
pub fn guarded<T>(read: impl FnOnce() -> T) -> Option<T> {
    HOOK.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |panic| {
            if !GUARDED.get() {
                before(panic);
            }
        }));
    });
    GUARDED.set(true);
    // What the closure leaves behind half done is dropped with it: it returns its result or nothing.
    let result = catch_unwind(AssertUnwindSafe(read));
    GUARDED.set(false);
    result.ok()
}
