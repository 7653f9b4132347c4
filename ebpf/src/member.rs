//! Members of kernel structs, reached by instructions that have the offset in them: here a marker that names the member, for
//! which the agent writes the kernel's offset before it loads the probes. A load is then one instruction, as C's CO-RE has it.
//! Which members there are is `whittle_schemas::record::offsets`; constants that are no offsets are `config`'s.

use core::{arch::asm, hint};

use whittle_schemas::record::immediate::{ADDED, LOADED};

/// The member of this index in `offsets::MEMBERS`, as `config::offset!` names it.
#[derive(Clone, Copy)]
pub(crate) struct Member<const INDEX: usize>;

impl<const INDEX: usize> Member<INDEX> {
    /// The offset itself; 0 where the kernel has no such member.
    #[expect(clippy::unused_self, reason = "the member is its type")]
    #[inline(always)]
    pub(crate) fn offset(self) -> u64 {
        let offset: u64;
        // SAFETY: it writes a register.
        unsafe {
            asm!(
                "{offset} = {marker}",
                offset = out(reg) offset,
                marker = const ADDED + INDEX as i32,
                options(pure, nomem, nostack, preserves_flags)
            );
        }
        offset
    }

    /// The member's value, by a load that the verifier checks.
    ///
    /// # Safety
    /// `base` is a kernel struct whose type the verifier knows, and `T` as wide as its member. The kernel handles a
    /// fault in such a load by giving zero.
    #[expect(clippy::unused_self, reason = "the member is its type")]
    #[inline(always)]
    pub(crate) unsafe fn load<T: Number>(self, base: *const u8) -> T {
        // SAFETY: as above.
        unsafe { T::load::<INDEX>(base) }
    }
}

/// How far from an address something is: the bytes, or the member that is there.
pub(crate) trait Distance {
    /// The address of what is there.
    fn beyond(self, base: u64) -> u64;
}

impl Distance for usize {
    #[inline(always)]
    fn beyond(self, base: u64) -> u64 {
        base + self as u64
    }
}

impl<const INDEX: usize> Distance for Member<INDEX> {
    #[inline(always)]
    fn beyond(self, base: u64) -> u64 {
        let mut address = base;
        // SAFETY: it adds to a register.
        unsafe {
            asm!(
                "{address} += {marker}",
                address = inout(reg) address,
                marker = const ADDED + INDEX as i32,
                options(pure, nomem, nostack, preserves_flags)
            );
        }
        address
    }
}

/// A plain integer that can be loaded.
pub(crate) trait Number: Copy {
    /// See [`Member::load`].
    unsafe fn load<const INDEX: usize>(base: *const u8) -> Self;
}

macro_rules! number {
    ($type:ident, $instruction:literal) => {
        impl Number for $type {
            #[inline(always)]
            unsafe fn load<const INDEX: usize>(base: *const u8) -> Self {
                const MOST: u64 = u64::MAX >> (u64::BITS - $type::BITS);
                let value: u64;
                // SAFETY: the caller's. It writes a register, and one that is narrower than it is filled with zeros.
                unsafe {
                    asm!(
                        $instruction,
                        value = out(reg) value,
                        base = in(reg) base,
                        marker = const LOADED as i32 + INDEX as i32,
                        options(pure, readonly, nostack, preserves_flags)
                    );
                    hint::assert_unchecked(value <= MOST);
                }
                value as $type
            }
        }
    };
}

number!(u8, "{value} = *(u8 *)({base} + {marker})");
number!(u16, "{value} = *(u16 *)({base} + {marker})");
number!(u32, "{value} = *(u32 *)({base} + {marker})");
number!(u64, "{value} = *(u64 *)({base} + {marker})");
