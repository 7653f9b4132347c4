//! Bytes as text that a terminal and a SQL client can show, and back without loss.
//!
//! Escaped are the backslash (`\\`), control characters, bytes that are not UTF-8, and the characters
//! that reorder a line or break it (a path must not be able to disguise itself): `\n`, `\t`, `\r`, else
//! `\xNN` for each byte. All else stays as it is, so that most paths are their own text.

use std::fmt::Write;

/// The bytes as text.
#[must_use]
pub fn escape(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    escape_into(bytes, &mut text);
    text
}

/// Adds the bytes as text to what there is.
pub fn escape_into(bytes: &[u8], text: &mut String) {
    if let Some(plain) = plain(bytes) {
        text.push_str(plain);
        return;
    }
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\\' => text.push_str(r"\\"),
                '\n' => text.push_str(r"\n"),
                '\t' => text.push_str(r"\t"),
                '\r' => text.push_str(r"\r"),
                _ if is_unsafe(character) => {
                    push_hex(text, character.encode_utf8(&mut [0; 4]).as_bytes());
                }
                _ => text.push(character),
            }
        }
        push_hex(text, chunk.invalid());
    }
}

/// The bytes, where they are their own text and of ASCII alone, as most paths are.
fn plain(bytes: &[u8]) -> Option<&str> {
    if !is_plain(bytes) {
        return None;
    }
    str::from_utf8(bytes).ok()
}

/// Whether bytes are their own text and of ASCII alone, as most paths are.
#[must_use]
pub fn is_plain(bytes: &[u8]) -> bool {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut last = [b' '; 8];
    last[..rest.len()].copy_from_slice(rest);
    // Not ended at the first that is not: most have none.
    let others = words
        .iter()
        .fold(others(last), |all, word| all | others(*word));
    others == 0
}

/// Not zero where one of the bytes is no character from ` ` to `~`, or a backslash.
fn others(bytes: [u8; 8]) -> u64 {
    const EACH: u64 = u64::MAX / 0xff;
    const HIGH: u64 = EACH * 0x80;
    let word = u64::from_le_bytes(bytes);
    // With seven bits in each byte, none of these carries over into the next one.
    let low = word & !HIGH;
    let control = !(low + EACH * (0x80 - 0x20));
    let delete = low + EACH;
    let backslash = !((low ^ (EACH * 0x5c)) + EACH * 0x7f);
    (word | control | delete | backslash) & HIGH
}

/// The bytes of an escaped text; None where [`escape`] could not have written it.
#[must_use]
pub fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        if first != b'\\' {
            bytes.push(first);
            rest = tail;
            continue;
        }
        let (&kind, tail) = tail.split_first()?;
        let (byte, taken) = match kind {
            b'\\' => (b'\\', 0),
            b'n' => (b'\n', 0),
            b't' => (b'\t', 0),
            b'r' => (b'\r', 0),
            b'x' => (
                hex_digit(*tail.first()?)? << 4 | hex_digit(*tail.get(1)?)?,
                2,
            ),
            _ => return None,
        };
        bytes.push(byte);
        rest = &tail[taken..];
    }
    Some(bytes)
}

/// Control characters, line and paragraph separators, and marks that change the direction of writing.
fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn push_hex(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        write!(text, r"\x{byte:02x}").expect("writing to a String does not fail");
    }
}

fn hex_digit(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_plain_path_is_its_own_text() {
        assert_eq!(
            escape("/srv/été 2026/data.csv".as_bytes()),
            "/srv/été 2026/data.csv"
        );
    }

    #[test]
    fn what_a_terminal_would_act_on_is_escaped() {
        assert_eq!(
            escape(b"/tmp/a\nb\t\r\\n\x1b[2J\x7f"),
            r"/tmp/a\nb\t\r\\n\x1b[2J\x7f"
        );
        assert_eq!(escape(b"/tmp/\xff\xc3("), r"/tmp/\xff\xc3(");
        assert_eq!(
            escape("a\u{202e}gnp.exe\u{85}".as_bytes()),
            r"a\xe2\x80\xaegnp.exe\xc2\x85"
        );
    }

    #[test]
    fn a_text_that_escape_does_not_write_has_no_bytes() {
        for text in [r"\", r"\q", r"\x", r"\x4", r"\xg0", r"a\xé"] {
            assert_eq!(unescape(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_plain_is_so_in_every_place() {
        for length in 1..=17 {
            for at in 0..length {
                for byte in 0..=u8::MAX {
                    let mut bytes = vec![b'a'; length];
                    bytes[at] = byte;
                    let expected = matches!(byte, b' '..=b'~') && byte != b'\\';
                    assert_eq!(is_plain(&bytes), expected, "{byte} at {at} of {length}");
                }
            }
        }
        assert!(is_plain(b""));
    }

    proptest! {
        #[test]
        fn any_bytes_come_back_from_their_text(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let text = escape(&bytes);
            prop_assert!(!text.chars().any(char::is_control));
            prop_assert_eq!(unescape(&text), Some(bytes));
        }

        #[test]
        fn any_unicode_comes_back_from_its_text(original in "\\PC*|.*") {
            prop_assert_eq!(unescape(&escape(original.as_bytes())), Some(original.into_bytes()));
        }
    }
}
