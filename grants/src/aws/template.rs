//! Patterns of a policy that may hold variables: `arn:aws:s3:::home/${aws:username}/*`. Compiled once; a pattern without
//! variables is a plain glob, and one with them is filled in from the request's context. What a variable means that the
//! request has no value for is decided here.

use super::glob::{Glob, Token, matches};
use super::observed::{Key, Observed, Trace};
use super::request::Request;
use super::truth::Truth;

/// A compiled pattern.
#[derive(Clone, Debug)]
pub(super) enum Template {
    Fixed(Glob),
    Variables { parts: Box<[Part]>, style: Style },
}

#[derive(Clone, Debug)]
pub(super) enum Part {
    Tokens(Vec<Token>),
    Variable { key: Key, default: Option<Box<str>> },
}

/// What `*` and `?` mean in a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// Nothing: `StringEquals`.
    Literal,
    /// Nothing, and the pattern is in lower case, as the text has to be: `StringEqualsIgnoreCase`.
    LowerCase,
    /// Anything: `StringLike`.
    Wild,
    /// Within the segments of an ARN; a `*` that ends a segment may go on over the colon: `Resource`.
    Resource,
    /// Within the segments of an ARN: `ArnLike`.
    Arn,
}

impl Template {
    /// `has_variables` is true for documents of version 2012-10-17; in others `${…}` is text.
    pub(super) fn new(text: &str, style: Style, has_variables: bool) -> Self {
        let pieces = pieces(text, has_variables);
        let parts = parts(&pieces, style);
        match parts.as_slice() {
            [] => Self::Fixed(Glob::from_tokens(Vec::new())),
            [Part::Tokens(tokens)] => Self::Fixed(Glob::from_tokens(tokens.clone())),
            _ => Self::Variables {
                parts: parts.into(),
                style,
            },
        }
    }

    /// Whether it matches `text`, with variables out of the request.
    pub(super) fn matches<'a>(
        &'a self,
        text: &str,
        request: &Request,
        trace: &mut Trace<'a>,
    ) -> Truth {
        match self {
            Self::Fixed(glob) => glob.matches(text).into(),
            Self::Variables { parts, style } => filled(parts, *style, text, request, trace),
        }
    }
}

fn filled<'a>(
    parts: &'a [Part],
    style: Style,
    text: &str,
    request: &Request,
    trace: &mut Trace<'a>,
) -> Truth {
    let mut tokens = Vec::new();
    let mut unknown = Vec::new();
    for part in parts {
        let (key, default) = match part {
            Part::Tokens(these) => {
                tokens.extend_from_slice(these);
                continue;
            }
            Part::Variable { key, default } => (key, default),
        };
        match (request.observe(key), default) {
            (Observed::Values([value]), _) => add_text(&mut tokens, value, style),
            (Observed::Absent | Observed::Unlisted { is_absent: true }, Some(default)) => {
                add_text(&mut tokens, default, style);
            }
            // No value to fill in, or no single one: the pattern matches nothing.
            (Observed::Values(_) | Observed::Absent, _) => return Truth::No,
            (Observed::Unlisted { .. }, _) => {
                unknown.push(key);
                tokens.push(Token::Star);
            }
        }
    }
    if !matches(&tokens, text) {
        return Truth::No;
    }
    if unknown.is_empty() {
        return Truth::Yes;
    }
    for key in unknown {
        trace.miss(key);
    }
    Truth::Unknown
}

fn add_text(tokens: &mut Vec<Token>, text: &str, style: Style) {
    if style == Style::LowerCase {
        tokens.extend(text.chars().flat_map(char::to_lowercase).map(Token::One));
    } else {
        tokens.extend(text.chars().map(Token::One));
    }
}

/// What a pattern is made of, as written.
enum Piece {
    /// As it stands, where `*` and `?` are wildcards.
    Char(char),
    /// `${*}`, `${?}`, `${$}`: the character itself.
    Escaped(char),
    Variable {
        key: Key,
        default: Option<Box<str>>,
    },
}

fn pieces(text: &str, has_variables: bool) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let inside = rest.strip_prefix("${").filter(|_| has_variables);
        if let Some((inside, after)) = inside.and_then(|inside| inside.split_once('}')) {
            pieces.push(variable(inside));
            rest = after;
            continue;
        }
        pieces.push(Piece::Char(first));
        rest = &rest[first.len_utf8()..];
    }
    pieces
}

/// What stands in `${…}`: `*`, a key, or a key and its default, `aws:username, 'nobody'`.
fn variable(inside: &str) -> Piece {
    let escaped = match inside {
        "*" => Some('*'),
        "?" => Some('?'),
        "$" => Some('$'),
        _ => None,
    };
    if let Some(char) = escaped {
        return Piece::Escaped(char);
    }
    let (key, default) = match inside.split_once(',') {
        Some((key, default)) => (key, Some(default.trim())),
        None => (inside, None),
    };
    let quoted = |default: &str| {
        let inside = default
            .strip_prefix('\'')
            .and_then(|rest| rest.strip_suffix('\''));
        inside.unwrap_or(default).into()
    };
    Piece::Variable {
        key: Key::new(key.trim()),
        default: default.map(quoted),
    }
}

fn parts(pieces: &[Piece], style: Style) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut tokens = Vec::new();
    let mut colons = 0;
    for (at, piece) in pieces.iter().enumerate() {
        let char = match piece {
            Piece::Char(char) => *char,
            Piece::Escaped(char) => {
                tokens.push(Token::One(*char));
                continue;
            }
            Piece::Variable { key, default } => {
                if !tokens.is_empty() {
                    parts.push(Part::Tokens(std::mem::take(&mut tokens)));
                }
                parts.push(Part::Variable {
                    key: key.clone(),
                    default: default.clone(),
                });
                continue;
            }
        };
        if style == Style::LowerCase {
            tokens.extend(char.to_lowercase().map(Token::One));
            continue;
        }
        colons += usize::from(char == ':');
        let is_segment = matches!(style, Style::Resource | Style::Arn) && colons < 5;
        let next = pieces.get(at + 1);
        let may_cross = match next {
            None => true,
            Some(Piece::Char(':')) => style == Style::Resource,
            Some(_) => false,
        };
        tokens.push(match char {
            _ if style == Style::Literal => Token::One(char),
            '*' if is_segment && !may_cross => Token::StarInSegment,
            '*' => Token::Star,
            '?' if is_segment => Token::AnyInSegment,
            '?' => Token::Any,
            other => Token::One(other),
        });
    }
    if !tokens.is_empty() {
        parts.push(Part::Tokens(tokens));
    }
    parts
}
