//! One line of an `strace -f -o FILE` log, taken apart as far as a line alone allows.
//! Calls that are spread over two lines are joined in `call.rs`.

use super::Error;

/// A line, by what it says. The text is borrowed from the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// `name(arguments) = result`: a call that nothing came between.
    Whole {
        /// System call.
        name: &'a str,
        /// All after the opening parenthesis.
        rest: &'a str,
    },
    /// `name(arguments <unfinished ...>`: the call goes on in a later line. An exec by a second thread
    /// ends in `<pid changed to 7 ...>`, and goes on under that id.
    Unfinished {
        /// System call.
        name: &'a str,
        /// The arguments so far, after the opening parenthesis.
        start: &'a str,
    },
    /// `<... name resumed>rest`: the end of an earlier call.
    Resumed {
        /// System call.
        name: &'a str,
        /// The remaining arguments, the closing parenthesis and the result.
        rest: &'a str,
    },
    /// `+++ exited with 0 +++` or `+++ killed by SIGTERM +++`.
    Ended,
    /// `+++ superseded by execve in pid 7 +++`: thread 7 made an exec and now has this line's id.
    Superseded {
        /// Thread that made the exec.
        by: u32,
    },
    /// `--- SIGCHLD {...} ---` or `--- stopped by SIGTSTP ---`.
    Signal,
}

/// Takes a line apart into the thread that it is about and what it says.
///
/// # Errors
/// [`Error::Line`] for a line that is none of the forms above.
pub fn parse(text: &str) -> Result<(u32, Line<'_>), Error> {
    let bad = || Error::Line(text.chars().take(200).collect());
    let (id, rest) = text.split_once(' ').ok_or_else(bad)?;
    let id = id.parse().map_err(|_| bad())?;
    let rest = rest.trim();
    if let Some(exit) = rest.strip_prefix("+++ ") {
        return Ok((id, ended(exit).ok_or_else(bad)?));
    }
    if rest.starts_with("--- ") && rest.ends_with(" ---") {
        return Ok((id, Line::Signal));
    }
    if let Some(resumed) = rest.strip_prefix("<... ") {
        let (name, rest) = resumed.split_once(" resumed>").ok_or_else(bad)?;
        return Ok((id, Line::Resumed { name, rest }));
    }
    let (name, rest) = rest.split_once('(').ok_or_else(bad)?;
    let known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if name.is_empty() || !name.bytes().all(known) {
        return Err(bad());
    }
    let start = rest.strip_suffix("<unfinished ...>").or_else(|| {
        Some(
            rest.strip_suffix(" ...>")?
                .rsplit_once("<pid changed to ")?
                .0,
        )
    });
    Ok((
        id,
        match start {
            Some(start) => Line::Unfinished {
                name,
                start: start.trim_end(),
            },
            None => Line::Whole { name, rest },
        },
    ))
}

fn ended(text: &str) -> Option<Line<'static>> {
    let text = text.strip_suffix(" +++")?;
    if let Some(by) = text.strip_prefix("superseded by execve in pid ") {
        return Some(Line::Superseded {
            by: by.parse().ok()?,
        });
    }
    (text.starts_with("exited with ") || text.starts_with("killed by ")).then_some(Line::Ended)
}

#[cfg(test)]
mod tests {
    use super::{Line, parse};

    #[test]
    fn the_forms_that_strace_prints_are_told_apart() {
        let cases = [
            (
                "12003 dup2(4<\\x70>, 0) = 0<\\x70>",
                12003,
                Line::Whole {
                    name: "dup2",
                    rest: "4<\\x70>, 0) = 0<\\x70>",
                },
            ),
            (
                "7     fork( <unfinished ...>",
                7,
                Line::Unfinished {
                    name: "fork",
                    start: "",
                },
            ),
            (
                "12002 <... clone resumed>, child_tidptr=0x7f) = 12003",
                12002,
                Line::Resumed {
                    name: "clone",
                    rest: ", child_tidptr=0x7f) = 12003",
                },
            ),
            ("12001 +++ exited with 0 +++", 12001, Line::Ended),
            (
                "12001 +++ killed by SIGSEGV (core dumped) +++",
                12001,
                Line::Ended,
            ),
            (
                "9 +++ superseded by execve in pid 11 +++",
                9,
                Line::Superseded { by: 11 },
            ),
            (
                "12000 --- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED} ---",
                12000,
                Line::Signal,
            ),
            ("12000 --- stopped by SIGTSTP ---", 12000, Line::Signal),
        ];
        for (text, id, line) in cases {
            assert_eq!(
                parse(text).expect("a line from a real log"),
                (id, line),
                "{text}"
            );
        }
    }

    #[test]
    fn a_line_of_another_form_is_an_error_and_not_skipped() {
        for text in [
            "",
            "12",
            "x open() = 1",
            "1 strace: oops",
            "1 +++ gone +++",
            "1 +++ exited",
            "1 (x) = 0",
        ] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}
