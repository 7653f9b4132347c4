//! The programs that run scripts, and how their command lines lead to the script.

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
pub(super) fn interpreters() -> impl Iterator<Item = ([u8; INTERPRETER_NAME_BYTES], Interpreter)> {
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
