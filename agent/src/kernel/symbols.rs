//! Addresses of the kernel's own functions: those that check a capability and ask not to be audited. Where the
//! tracepoint of such checks is used, which has no options, they tell these checks from others. Nowhere else are they looked for:
//! the kernel has a hundred thousand symbols and more.

use std::{
    fs::File,
    io::{self, BufRead, BufReader},
};

use aya::{Ebpf, maps::Array};
use whittle_schemas::record::capability::UNAUDITED_RANGES;

use super::KernelError;

/// First and last address of a function, as the probes have it.
pub(super) type Range = [u64; 2];

/// Functions that pass `CAP_OPT_NOAUDIT`, as they are in Linux 6.15 to 7.3. Callers of `ns_capable_noaudit` need no
/// line of their own: it stands on the stack behind them.
const UNAUDITED: [&str; 7] = [
    "ns_capable_noaudit",
    "has_ns_capability_noaudit",
    "has_capability_noaudit",
    "ptracer_capable",
    "cap_vm_enough_memory",
    "security_vm_enough_memory_mm",
    "kallsyms_show_value",
];

/// Where the kernel lists its symbols.
const KALLSYMS: &str = "/proc/kallsyms";

/// Tells the probes which functions these are. The text says why nobody can tell, as a phrase.
pub(super) fn tell(object: &mut Ebpf) -> Result<Result<(), String>, KernelError> {
    const NAME: &str = "UNAUDITED";
    let found = match unaudited() {
        Ok(found) => found,
        Err(why) => return Ok(Err(why)),
    };
    let mut ranges = [[0; 2]; UNAUDITED_RANGES];
    for (place, range) in ranges.iter_mut().zip(found) {
        *place = range;
    }
    let map = object.map_mut(NAME).ok_or(KernelError::Incomplete(NAME))?;
    let failed = |cause| KernelError::Map { map: NAME, cause };
    let mut map: Array<_, [Range; UNAUDITED_RANGES]> = Array::try_from(map).map_err(failed)?;
    map.set(0, ranges, 0).map_err(failed)?;
    Ok(Ok(()))
}

/// Finds those functions.
fn unaudited() -> Result<Vec<Range>, String> {
    let file = File::open(KALLSYMS).map_err(|error| format!("{KALLSYMS}: {error}"))?;
    let mut functions =
        functions(BufReader::new(file)).map_err(|error| format!("{KALLSYMS}: {error}"))?;
    if functions.iter().all(|function| function.0 == 0) {
        return Err(format!("{KALLSYMS} hides addresses (kernel.kptr_restrict)"));
    }
    let ranges = ranges(&mut functions);
    if ranges.is_empty() {
        return Err(format!("{KALLSYMS} has none of them"));
    }
    Ok(ranges)
}

/// Address of a function, and whether it is one of [`UNAUDITED`].
type Function = (u64, bool);

/// Every function of the kernel itself, by lines of `ADDRESS KIND NAME`. Modules come behind it, and their names in brackets.
fn functions(mut symbols: impl BufRead) -> io::Result<Vec<Function>> {
    let mut functions = Vec::new();
    let mut line = String::new();
    while symbols.read_line(&mut line)? != 0 {
        let function = line.trim_end().split_once(' ').and_then(|(address, rest)| {
            let (kind, name) = rest.split_once(' ')?;
            let is_function = matches!(kind, "t" | "T" | "w" | "W") && !name.ends_with(']');
            let address = is_function.then(|| u64::from_str_radix(address, 16).ok());
            Some((address.flatten()?, is_unaudited(name)))
        });
        functions.extend(function);
        line.clear();
    }
    Ok(functions)
}

/// A compiler splits a function into parts with names like `NAME.cold`.
fn is_unaudited(name: &str) -> bool {
    let name = name.split('.').next().unwrap_or(name);
    UNAUDITED.contains(&name)
}

/// A function ends where the next one begins. A return address is behind the call: the last address that a function
/// can leave on the stack is one past its own last byte, and its first byte never is one.
fn ranges(functions: &mut [Function]) -> Vec<Range> {
    functions.sort_unstable();
    let pairs = functions.windows(2).filter(|pair| pair[0].1);
    pairs
        .map(|pair| [pair[0].0 + 1, pair[1].0])
        .filter(|[first, last]| first <= last)
        .take(UNAUDITED_RANGES)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SYMBOLS: &str = "\
ffffffff81000000 T _stext
ffffffff81000300 t ns_capable_noaudit.cold
ffffffff81000310 t other.cold
ffffffff81000100 T ns_capable_noaudit
ffffffff81000180 T ns_capable
ffffffff81000200 D has_capability_noaudit
ffffffffc0000000 t ns_capable_noaudit\t[module]
";

    #[test]
    fn a_function_ends_where_the_next_one_begins() {
        let mut functions = functions(SYMBOLS.as_bytes()).expect("it is in memory");
        let expected = [
            [0xffff_ffff_8100_0101, 0xffff_ffff_8100_0180],
            [0xffff_ffff_8100_0301, 0xffff_ffff_8100_0310],
        ];
        assert_eq!(ranges(&mut functions), expected);
    }

    #[test]
    fn this_kernel_tells_where_they_are() {
        let ranges = unaudited().expect("root sees the kernel's addresses");
        assert!(!ranges.is_empty() && ranges.len() <= UNAUDITED_RANGES);
        assert!(
            ranges.iter().all(|[first, last]| last - first < 65_536),
            "{ranges:x?}"
        );
    }
}
