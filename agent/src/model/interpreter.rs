//! The programs that run scripts, and how their command lines lead to the script. The probes follow the same
//! rules (`ebpf/src/script.rs`); [`script`] is for processes that started before them.

use whittle_schemas::record::process::{INTERPRETER_NAME_BYTES, Interpreter};

/// One interpreter: its executable's file names, and its option letters.
struct Row {
    names: &'static [&'static str],
    /// Options that take the next argument as their value.
    value: &'static str,
    /// Options that bring the code themselves.
    inline: &'static str,
    /// Options that name what is run.
    module: &'static str,
}

/// From each program's manual page.
const ROWS: &[Row] = &[
    Row {
        names: &[
            "python",
            "python2",
            "python2.7",
            "python3",
            "python3.6",
            "python3.7",
            "python3.8",
            "python3.9",
            "python3.10",
            "python3.11",
            "python3.12",
            "python3.13",
            "python3.14",
            "python3.15",
            "pypy3",
        ],
        value: "WXQ",
        inline: "c",
        module: "m",
    },
    Row {
        names: &["sh", "dash", "bash", "zsh", "ksh", "ash"],
        value: "oO",
        inline: "cs",
        module: "",
    },
    Row {
        names: &["perl", "perl5.36.0"],
        value: "",
        inline: "eE",
        module: "",
    },
    Row {
        names: &["ruby", "ruby3.1", "ruby3.3"],
        value: "IrC",
        inline: "e",
        module: "",
    },
    Row {
        names: &["node", "nodejs", "bun", "deno"],
        value: "rC",
        inline: "ep",
        module: "",
    },
    Row {
        names: &["php", "php8.2", "php8.4"],
        value: "cdz",
        inline: "rBRE",
        module: "",
    },
    Row {
        names: &["lua", "lua5.3", "lua5.4", "luajit"],
        value: "l",
        inline: "e",
        module: "",
    },
];

/// Every interpreter under each of its names, for the kernel's map.
#[must_use = "the table is for the kernel's map"]
pub fn interpreters() -> impl Iterator<Item = ([u8; INTERPRETER_NAME_BYTES], Interpreter)> {
    ROWS.iter().flat_map(|row| {
        let interpreter = Interpreter {
            value_letters: mask(row.value),
            inline_letters: mask(row.inline),
            module_letters: mask(row.module),
        };
        row.names
            .iter()
            .map(move |name| (padded(name), interpreter))
    })
}

/// The script that a command line runs: its name as given, or `-m NAME` for what is run by name.
///
/// `program` is the executable's file name, `arguments` the command line with the program's own name first. None
/// where the program is no interpreter, or the code is on the command line or comes from standard input.
#[must_use]
pub fn script(program: &[u8], arguments: &[Vec<u8>]) -> Option<Vec<u8>> {
    let program = std::str::from_utf8(program).ok()?;
    let row = ROWS.iter().find(|row| row.names.contains(&program))?;
    let has = |letters: &str, letter: u8| letters.as_bytes().contains(&letter);
    let mut rest = arguments.iter().skip(1).take(MOST_ARGUMENTS);
    while let Some(argument) = rest.next() {
        match argument.as_slice() {
            [b'-'] => return None,
            [b'-', b'-', ..] => {}
            [b'-', .., letter] if has(row.inline, *letter) => return None,
            [b'-', .., letter] if has(row.module, *letter) => {
                return rest.next().map(|name| [b"-m ", name.as_slice()].concat());
            }
            [b'-', .., letter] if has(row.value, *letter) => {
                rest.next()?;
            }
            [b'-', ..] => {}
            _ => return Some(argument.clone()),
        }
    }
    None
}

/// As many as the probes look at.
const MOST_ARGUMENTS: usize = 15;

fn mask(letters: &str) -> u64 {
    letters
        .bytes()
        .fold(0, |mask, letter| mask | 1 << (letter - b'A'))
}

fn padded(name: &str) -> [u8; INTERPRETER_NAME_BYTES] {
    let mut padded = [0; INTERPRETER_NAME_BYTES];
    padded[..name.len()].copy_from_slice(name.as_bytes());
    padded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_is_the_first_argument_that_is_no_option() {
        let check = |line: &str, expected: Option<&str>| {
            let arguments: Vec<_> = line
                .split(' ')
                .map(|argument| argument.as_bytes().to_vec())
                .collect();
            let found = script(&arguments[0], &arguments);
            assert_eq!(found.as_deref(), expected.map(str::as_bytes), "{line}");
        };
        check("python3 -u etl.py --token x", Some("etl.py"));
        check("python3 -W ignore etl.py", Some("etl.py"));
        check("python3 -Im pip install", Some("-m pip"));
        check("python3 -c code", None);
        check("bash -ec code", None);
        check("sh -", None);
        check("node --inspect a.js", Some("a.js"));
        check("cc1 a.c", None);
    }

    #[test]
    fn every_name_fits_with_its_nul_and_every_option_is_a_letter() {
        for row in ROWS {
            assert!(
                row.names
                    .iter()
                    .all(|name| name.len() < INTERPRETER_NAME_BYTES),
                "{:?}",
                row.names
            );
            for letter in [row.value, row.inline, row.module].concat().bytes() {
                assert!(letter.is_ascii_alphabetic(), "{letter}");
            }
        }
        assert!(
            interpreters().count() < 256,
            "more than the kernel's map holds"
        );
    }
}
