//! Addresses of the kernel's own functions: those that check a capability and ask not to be audited. Where the
//! tracepoint of such checks is used, which has no options, they tell these checks from others.

use std::{
    fs::File,
    io::{self, BufRead, BufReader},
};

use whittle_schemas::record::capability::UNAUDITED_RANGES;

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

/// Finds those functions; the text says why they cannot be told, as a phrase.
pub(super) fn unaudited() -> Result<Vec<Range>, String> {
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

/// Every function of the kernel itself. Modules come behind it, and their names in brackets.
fn functions(symbols: impl BufRead) -> io::Result<Vec<Function>> {
    let mut functions = Vec::new();
    for line in symbols.lines() {
        let line = line?;
        let mut words = line.split_ascii_whitespace();
        let (Some(address), Some(kind), Some(name), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            continue;
        };
        if let ("t" | "T" | "w" | "W", Ok(address)) = (kind, u64::from_str_radix(address, 16)) {
            functions.push((address, is_unaudited(name)));
        }
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
