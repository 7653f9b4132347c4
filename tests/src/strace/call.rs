//! Whole system calls of a log: the two halves of interrupted ones joined, arguments split, result read.
//! What a call means is in `trace.rs`.

use std::{borrow::Cow, collections::HashMap};

use super::{
    Error,
    line::{Line, parse},
};

/// One system call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Thread that called.
    pub id: u32,
    /// System call.
    pub name: String,
    /// Arguments as strace printed them.
    pub arguments: Vec<String>,
    /// What it returned.
    pub result: Returned,
}

/// What a call returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Returned {
    /// A number, with the file behind it where it is a descriptor.
    Value {
        /// The number.
        value: i64,
        /// What follows the number: `<...>` and `(deleted)`.
        decoration: String,
    },
    /// The name of an errno.
    Error(String),
    /// Nothing that the caller saw: it was restarted after a signal, or the thread died in it.
    Nothing,
}

/// Reads a log into calls, in the order in which they began.
///
/// # Errors
/// [`Error`] for a line that cannot be read: a log is understood as a whole or not at all.
pub fn read(log: &str) -> Result<Vec<Call>, Error> {
    let mut calls = Vec::new();
    // Thread -> index of its unfinished call, the text so far.
    let mut open: HashMap<u32, (usize, String)> = HashMap::new();
    for text in log.lines() {
        let whole = without_superseded(text);
        let (id, line) = parse(&whole)?;
        match line {
            Line::Whole { name, rest } => calls.push(call(id, name, rest)?),
            Line::Unfinished { name, start } => {
                open.insert(id, (calls.len(), start.to_owned()));
                let name = name.to_owned();
                calls.push(Call {
                    id,
                    name,
                    arguments: split(start),
                    result: Returned::Nothing,
                });
            }
            Line::Resumed { name, rest } => {
                let (index, mut start) = open
                    .remove(&id)
                    .ok_or_else(|| Error::Line(text.to_owned()))?;
                start.push_str(rest);
                calls[index] = call(id, name, &start)?;
            }
            Line::Superseded { by } => {
                // The exec that began in the other thread is resumed under this line's id.
                if let Some(unfinished) = open.remove(&by) {
                    open.insert(id, unfinished);
                }
            }
            Line::Ended | Line::Signal => {}
        }
    }
    Ok(calls)
}

fn call(id: u32, name: &str, rest: &str) -> Result<Call, Error> {
    let bad = || Error::Line(format!("{id} {name}({rest}"));
    let end = closing(rest).ok_or_else(bad)?;
    let result = rest[end + 1..]
        .trim_start()
        .strip_prefix("= ")
        .ok_or_else(bad)?;
    Ok(Call {
        id,
        name: name.to_owned(),
        arguments: split(&rest[..end]),
        result: returned(result).ok_or_else(bad)?,
    })
}

fn returned(text: &str) -> Option<Returned> {
    if text.starts_with('?') {
        return Some(Returned::Nothing);
    }
    if let Some(error) = text.strip_prefix("-1 ") {
        let name = error
            .split(' ')
            .next()
            .filter(|name| name.starts_with('E'))?;
        return Some(Returned::Error(name.to_owned()));
    }
    let digits = text
        .find(|byte: char| !byte.is_ascii_digit())
        .unwrap_or(text.len());
    Some(Returned::Value {
        value: text[..digits].parse().ok()?,
        decoration: text[digits..].to_owned(),
    })
}

/// The bytes of a string argument: `"\x2f\x65"`. None where strace printed an address instead.
pub(super) fn text_of(argument: &str) -> Option<Vec<u8>> {
    hex(argument.strip_prefix('"')?.strip_suffix('"')?)
}

/// The path in a descriptor's decoration, as `/proc/self/fd` shows it: `<\x2f\x61<char 1:3>>(deleted)`.
pub(super) fn decorated_path(decoration: &str) -> Option<Vec<u8>> {
    let (inside, deleted) = match decoration.strip_suffix("(deleted)") {
        Some(rest) => (rest, " (deleted)"),
        None => (decoration, ""),
    };
    let inside = inside.strip_prefix('<')?.strip_suffix('>')?;
    let end = inside.find('<').unwrap_or(inside.len());
    let mut path = hex(&inside[..end])?;
    path.extend(deleted.as_bytes());
    Some(path)
}

/// `asked` from `folder`; an absolute path stays as it is, and so does one from an unknown folder.
pub(super) fn path_of(folder: &[u8], asked: &[u8]) -> Vec<u8> {
    match (asked.first(), folder.last()) {
        (Some(b'/'), _) | (_, None) => asked.to_vec(),
        // An empty path ends in a slash here, so that it is not taken for its folder.
        (_, Some(b'/')) => [folder, asked].concat(),
        _ => [folder, b"/", asked].concat(),
    }
}

/// The bytes of `\x2f\x65`.
fn hex(text: &str) -> Option<Vec<u8>> {
    if text.is_empty() {
        return Some(Vec::new());
    }
    let digits = text.strip_prefix("\\x")?.split("\\x");
    digits
        .map(|digits| u8::from_str_radix(digits, 16).ok())
        .collect()
}

/// Splits at the commas outside of all brackets and strings.
pub(super) fn split(text: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut start = 0;
    for (at, byte, depth) in nesting(text) {
        if byte == b',' && depth == 0 {
            parts.push(text[start..at].trim().to_owned());
            start = at + 1;
        }
    }
    if !text[start..].trim().is_empty() {
        parts.push(text[start..].trim().to_owned());
    }
    parts
}

/// The structure that a text begins with, up to its closing brace.
pub(super) fn braced(text: &str) -> Option<&str> {
    let end = nesting(text)
        .find(|&(_, byte, depth)| byte == b'}' && depth == 0)?
        .0;
    text.starts_with('{').then(|| &text[..=end])
}

/// Position of the parenthesis that closes the call.
fn closing(text: &str) -> Option<usize> {
    nesting(text)
        .find(|&(_, byte, depth)| byte == b')' && depth < 0)
        .map(|(at, ..)| at)
}

/// Every byte outside of strings with its position and the number of brackets that are open after it.
/// `-xx` keeps quotes and brackets out of strings; `->` and `=>` are arrows, and close nothing.
fn nesting(text: &str) -> impl Iterator<Item = (usize, u8, i32)> {
    let mut depth = 0;
    let mut quoted = false;
    let mut last = 0;
    text.bytes().enumerate().filter_map(move |(at, byte)| {
        let before = std::mem::replace(&mut last, byte);
        if byte == b'"' {
            quoted = !quoted;
        }
        if quoted {
            return None;
        }
        match byte {
            b'(' | b'[' | b'{' | b'<' => depth += 1,
            b'>' if before == b'-' || before == b'=' => {}
            b')' | b']' | b'}' | b'>' => depth -= 1,
            _ => {}
        }
        Some((at, byte, depth))
    })
}

/// On one processor strace may say that an exec superseded its thread on the exec's own line, which has the new id already.
fn without_superseded(text: &str) -> Cow<'_, str> {
    let start = text.split_once("+++ superseded by execve in pid ");
    match start.map(|(start, _)| {
        start
            .trim_end()
            .trim_end_matches(|end: char| end.is_ascii_digit())
    }) {
        Some(start) if start.contains('(') => format!("{start} <unfinished ...>").into(),
        _ => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Call, Returned, read};

    fn calls(log: &str) -> Vec<Call> {
        read(log).expect("a log from a real run")
    }

    #[test]
    fn arguments_are_split_outside_of_brackets_and_arrows_close_nothing() {
        let log = "12234 sendto(5<UDPv6:[[::1]:34675->[::1]:53]>, \"\\x68\"..., 5, 0, {sa_family=AF_INET6, \
                   sin6_port=htons(53), inet_pton(AF_INET6, \"\\x3a\", &sin6_addr)}, 28) = 5\n";
        let call = &calls(log)[0];
        assert_eq!(call.arguments.len(), 6);
        assert_eq!(call.arguments[0], "5<UDPv6:[[::1]:34675->[::1]:53]>");
        assert!(call.arguments[4].starts_with("{sa_family=AF_INET6, "));
        assert_eq!(
            call.result,
            Returned::Value {
                value: 5,
                decoration: String::new()
            }
        );
    }

    #[test]
    fn the_result_carries_the_file_behind_a_descriptor() {
        let log = "1 openat(AT_FDCWD<\\x2f>, \"\\x6e\", O_RDONLY) = 0<\\x2f\\x6e<char 1:3>>\n\
                   1 openat(AT_FDCWD<\\x2f>, \"\\x6e\", O_RDONLY) = -1 EACCES (Permission denied)\n\
                   1 connect(3, NULL, 0) = ? ERESTARTSYS (To be restarted if SA_RESTART is set)\n";
        let results: Vec<_> = calls(log).into_iter().map(|call| call.result).collect();
        let decoration = "<\\x2f\\x6e<char 1:3>>".to_owned();
        assert_eq!(
            results[0],
            Returned::Value {
                value: 0,
                decoration
            }
        );
        assert_eq!(results[1], Returned::Error("EACCES".to_owned()));
        assert_eq!(results[2], Returned::Nothing);
    }

    #[test]
    fn two_halves_are_one_call_at_the_place_where_it_began() {
        let log = "12000 clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|SIGCHLD <unfinished ...>\n\
                   12003 execve(\"\\x2f\", [\"\\x77\"...], 0x7ff /* 35 vars */ <unfinished ...>\n\
                   12000 <... clone resumed>, child_tidptr=0x7f0450ed0a10) = 12003\n\
                   12003 <... execve resumed>)             = 0\n\
                   12003 openat(AT_FDCWD<\\x2f>, \"\\x2f\", O_RDONLY <unfinished ...>\n\
                   12003 +++ killed by SIGKILL +++\n";
        let calls = calls(log);
        assert_eq!(
            (
                calls[0].id,
                calls[0].name.as_str(),
                calls[0].arguments.len()
            ),
            (12000, "clone", 3)
        );
        assert_eq!(
            calls[0].result,
            Returned::Value {
                value: 12003,
                decoration: String::new()
            }
        );
        assert_eq!(
            calls[1].arguments,
            ["\"\\x2f\"", "[\"\\x77\"...]", "0x7ff /* 35 vars */"]
        );
        assert_eq!(calls[2].result, Returned::Nothing);
    }

    #[test]
    fn an_exec_from_a_second_thread_ends_under_the_first_ones_id() {
        let log = "11 execve(\"\\x2f\", [\"\\x77\"...], 0x7ff /* 35 vars */ <pid changed to 9 ...>\n\
                   9 +++ superseded by execve in pid 11 +++\n\
                   9 <... execve resumed>)             = 0\n";
        let calls = calls(log);
        assert_eq!(
            (calls.len(), calls[0].id, calls[0].name.as_str()),
            (1, 9, "execve")
        );
        assert_eq!(
            calls[0].result,
            Returned::Value {
                value: 0,
                decoration: String::new()
            }
        );
    }

    #[test]
    fn an_exec_whose_line_goes_over_into_the_end_of_its_thread_is_one_call() {
        let log = "9 execve(\"\\x2f\", [\"\\x77\"...], 0x7ff /* 35 vars */9   +++ superseded by execve in pid 11 +++\n\
                   9 <... execve resumed>)             = 0\n";
        let calls = calls(log);
        assert_eq!(
            (calls.len(), calls[0].id, calls[0].arguments.len()),
            (1, 9, 3)
        );
    }

    #[test]
    fn an_end_without_a_start_is_an_error() {
        assert!(read("9 <... execve resumed>) = 0\n").is_err());
        assert!(read("9 open(\"\\x2f\", O_RDONLY\n").is_err());
    }
}
