//! Resource patterns of policies against resources and against each other. A policy variable stands for any text: what it
//! will be is known only when a request is made.

/// A pattern, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Glob {
    tokens: Vec<Token>,
    has_variables: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    Byte(u8),
    /// `?`
    One,
    /// `*`, or a variable.
    Many,
}

/// Most steps that a comparison of two patterns takes; longer ones are taken to overlap.
const MAX_STEPS: usize = 1 << 20;

impl Glob {
    /// The pattern as policies write it.
    pub(super) fn new(pattern: &str) -> Self {
        let mut tokens = Vec::with_capacity(pattern.len());
        let mut has_variables = false;
        let mut rest = pattern;
        while let Some(byte) = rest.bytes().next() {
            if let Some((name, after)) = variable(rest) {
                match name {
                    "*" | "?" | "$" => tokens.push(Token::Byte(name.as_bytes()[0])),
                    _ => {
                        has_variables = true;
                        tokens.push(Token::Many);
                    }
                }
                rest = after;
                continue;
            }
            tokens.push(match byte {
                b'*' => Token::Many,
                b'?' => Token::One,
                byte => Token::Byte(byte),
            });
            let width = rest.chars().next().map_or(1, char::len_utf8);
            tokens.extend(rest.as_bytes()[1..width].iter().copied().map(Token::Byte));
            rest = &rest[width..];
        }
        tokens.dedup_by(|a, b| *a == Token::Many && *b == Token::Many);
        Self {
            tokens,
            has_variables,
        }
    }

    /// Whether it matches everything.
    pub(super) fn is_all(&self) -> bool {
        self.tokens == [Token::Many]
    }

    /// Whether it matches this resource.
    pub(super) fn matches(&self, text: &[u8]) -> bool {
        self.is_all()
            || spans(&self.tokens, text, |token, byte| match token {
                Token::Byte(wanted) => *wanted == *byte,
                Token::One => true,
                Token::Many => false,
            })
    }

    /// Whether it matches all that `other` matches. False where that is not sure.
    pub(super) fn covers(&self, other: &Self) -> bool {
        !self.has_variables
            && (self.is_all()
                || spans(&self.tokens, &other.tokens, |outer, inner| {
                    match (outer, inner) {
                        (Token::Byte(outer), Token::Byte(inner)) => outer == inner,
                        (Token::One, Token::Byte(_) | Token::One) => true,
                        _ => false,
                    }
                }))
    }

    /// Whether something exists that both match. True where that is not sure.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        let (a, b) = (&self.tokens, &other.tokens);
        if self.is_all() || other.is_all() || a.len() * b.len() > MAX_STEPS {
            return true;
        }
        // reach[j]: some text is matched by a[..i] and b[..j].
        let mut reach = vec![false; b.len() + 1];
        reach[0] = true;
        for j in 0..b.len() {
            reach[j + 1] = reach[j] && b[j] == Token::Many;
        }
        for token in a {
            let mut next = vec![false; b.len() + 1];
            next[0] = reach[0] && *token == Token::Many;
            for j in 0..b.len() {
                next[j + 1] = match (token, b[j]) {
                    (Token::Many, _) | (_, Token::Many) => reach[j + 1] || next[j] || reach[j],
                    (Token::Byte(a), Token::Byte(b)) => reach[j] && *a == b,
                    _ => reach[j],
                };
            }
            if !next.contains(&true) {
                return false;
            }
            reach = next;
        }
        reach[b.len()]
    }
}

/// `${name}` at the start, with its name before any default, and what follows it.
fn variable(text: &str) -> Option<(&str, &str)> {
    let inside = text.strip_prefix("${")?;
    let end = inside.find('}')?;
    let name = inside[..end].split(',').next().unwrap_or_default().trim();
    Some((name, &inside[end + 1..]))
}

/// Whether the pattern takes up all units, each `*` any number of them.
fn spans<U>(pattern: &[Token], units: &[U], fits: impl Fn(&Token, &U) -> bool) -> bool {
    let (mut at, mut unit) = (0, 0);
    let mut star = None;
    while unit < units.len() {
        match pattern.get(at) {
            Some(Token::Many) => {
                star = Some((at, unit));
                at += 1;
            }
            Some(token) if fits(token, &units[unit]) => {
                at += 1;
                unit += 1;
            }
            _ => {
                let Some((star_at, taken)) = star else {
                    return false;
                };
                star = Some((star_at, taken + 1));
                at = star_at + 1;
                unit = taken + 1;
            }
        }
    }
    pattern[at..].iter().all(|token| *token == Token::Many)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pair(a: &str, b: &str) -> (bool, bool) {
        let (a, b) = (Glob::new(a), Glob::new(b));
        assert_eq!(a.overlaps(&b), b.overlaps(&a));
        (a.covers(&b), a.overlaps(&b))
    }

    #[test]
    fn patterns_are_compared_with_each_other() {
        assert_eq!(pair("*", "arn:aws:s3:::b/*"), (true, true));
        assert_eq!(pair("arn:aws:s3:::b/*", "arn:aws:s3:::b/x*"), (true, true));
        assert_eq!(pair("arn:aws:s3:::b/x*", "arn:aws:s3:::b/*"), (false, true));
        assert_eq!(pair("arn:aws:s3:::a", "arn:aws:s3:::b"), (false, false));
        assert_eq!(pair("a*c", "?b*"), (false, true));
        assert_eq!(pair("a?", "a*"), (false, true));
        assert_eq!(pair("a*", "a?"), (true, true));
        assert_eq!(pair("home/${aws:username}/*", "home/x/y"), (false, true));
        assert_eq!(pair("${*}", "x"), (false, false));
        assert!(Glob::new("a/${aws:username, 'b'}").matches(b"a/anyone"));
        assert!(Glob::new("${$}ä?").matches("$äx".as_bytes()));
    }

    proptest! {
        #[test]
        fn covering_and_overlapping_agree_with_matching(
            a in "[ab*?]{0,6}", b in "[ab*?]{0,6}", text in "[ab]{0,7}",
        ) {
            let (outer, inner) = (Glob::new(&a), Glob::new(&b));
            let (by_outer, by_inner) = (outer.matches(text.as_bytes()), inner.matches(text.as_bytes()));
            prop_assert!(!(by_outer && by_inner) || outer.overlaps(&inner));
            prop_assert!(!(by_inner && outer.covers(&inner)) || by_outer);
        }
    }
}
