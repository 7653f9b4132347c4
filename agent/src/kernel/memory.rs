//! Giving memory back: what starting took (the kernel's types, parsed for the hooks) is many times what recording takes, and
//! the allocator would keep it.

/// Returns to the kernel the memory that is free. Costs as much as there is to return.
#[cfg(target_env = "gnu")]
pub fn give_back() {
    use std::ffi::c_int;
    unsafe extern "C" {
        // int malloc_trim(size_t pad), of glibc.
        fn malloc_trim(pad: usize) -> c_int;
    }
    // SAFETY: it may be called at any time, by any thread, and touches no memory that is in use.
    unsafe { malloc_trim(0) };
}

/// Other allocators give it back by themselves, or not at all.
#[cfg(not(target_env = "gnu"))]
pub fn give_back() {}
