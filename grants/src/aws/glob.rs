//! Patterns with `*` and `?`, matched without recursion: time grows with the product of the lengths at worst. `Glob` is for
//! plain text; a `Pattern` is a list of tokens, where a wildcard may be kept within one segment of an ARN.

/// A compiled pattern over plain text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Glob(Shape);

/// Most patterns are one of the first three, and need no search.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Shape {
    All,
    Exact(Box<str>),
    Prefix(Box<str>),
    Tokens(Box<[Token]>),
}

/// A part of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// This character.
    One(char),
    /// `?`: any character.
    Any,
    /// `?` before an ARN's fifth colon: any character but a colon.
    AnyInSegment,
    /// `*`: any characters.
    Star,
    /// `*` amid a segment before an ARN's fifth colon: any characters but colons.
    StarInSegment,
}

impl Glob {
    pub(super) fn new(pattern: &str) -> Self {
        let token = |char| match char {
            '*' => Token::Star,
            '?' => Token::Any,
            other => Token::One(other),
        };
        Self::from_tokens(pattern.chars().map(token).collect())
    }

    pub(super) fn from_tokens(tokens: Vec<Token>) -> Self {
        let literal = |tokens: &[Token]| -> Option<Box<str>> {
            let char = |token: &Token| match token {
                Token::One(char) => Some(*char),
                _ => None,
            };
            tokens
                .iter()
                .map(char)
                .collect::<Option<String>>()
                .map(Into::into)
        };
        if let Some(exact) = literal(&tokens) {
            return Self(Shape::Exact(exact));
        }
        let stars = tokens
            .iter()
            .rev()
            .take_while(|token| **token == Token::Star);
        let stem = tokens.len() - stars.count();
        match literal(&tokens[..stem]) {
            Some(stem) if stem.is_empty() => Self(Shape::All),
            Some(stem) => Self(Shape::Prefix(stem)),
            None => Self(Shape::Tokens(tokens.into())),
        }
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        match &self.0 {
            Shape::All => true,
            Shape::Exact(exact) => **exact == *text,
            Shape::Prefix(prefix) => text.starts_with(&**prefix),
            Shape::Tokens(tokens) => matches(tokens, text),
        }
    }

    /// The text, where the pattern has no wildcard.
    pub(super) fn exact(&self) -> Option<&str> {
        match &self.0 {
            Shape::Exact(exact) => Some(exact),
            _ => None,
        }
    }
}

/// Where to go on from when what follows a star does not fit: the star takes one more character.
#[derive(Clone, Copy)]
struct Retry<'t> {
    pattern: usize,
    rest: &'t str,
}

/// Whether `tokens` match all of `text`. What follows a `Star` never needs an earlier star to try again; a `StarInSegment`
/// that meets a colon gives way to the `Star` before it.
pub(super) fn matches(tokens: &[Token], text: &str) -> bool {
    let (mut at, mut rest) = (0, text);
    let (mut star, mut star_in_segment): (Option<Retry<'_>>, Option<Retry<'_>>) = (None, None);
    loop {
        let mut chars = rest.chars();
        let next = chars.next();
        let fits = match (tokens.get(at), next) {
            (None, None) => return true,
            (Some(Token::Star), _) => {
                at += 1;
                star = Some(Retry { pattern: at, rest });
                star_in_segment = None;
                continue;
            }
            (Some(Token::StarInSegment), _) => {
                at += 1;
                star_in_segment = Some(Retry { pattern: at, rest });
                continue;
            }
            (Some(Token::One(char)), Some(next)) => *char == next,
            (Some(Token::Any), Some(_)) => true,
            (Some(Token::AnyInSegment), Some(next)) => next != ':',
            (None, Some(_)) | (Some(_), None) => false,
        };
        if fits {
            at += 1;
            rest = chars.as_str();
            continue;
        }
        let within = star_in_segment.filter(|retry| !retry.rest.starts_with(':'));
        let Some(retry) = within.or(star) else {
            return false;
        };
        let mut chars = retry.rest.chars();
        if chars.next().is_none() {
            return false;
        }
        let moved = Some(Retry {
            pattern: retry.pattern,
            rest: chars.as_str(),
        });
        if within.is_some() {
            star_in_segment = moved;
        } else {
            star = moved;
            star_in_segment = None;
        }
        (at, rest) = (retry.pattern, chars.as_str());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The definition, tried in all ways.
    fn defined(tokens: &[Token], text: &[char]) -> bool {
        let Some((token, rest)) = tokens.split_first() else {
            return text.is_empty();
        };
        let next = text.first();
        let takes_one = |fits: bool| fits && defined(rest, &text[1..]);
        let takes_more = |fits: bool| defined(rest, text) || (fits && defined(tokens, &text[1..]));
        match token {
            Token::One(char) => takes_one(next == Some(char)),
            Token::Any => takes_one(next.is_some()),
            Token::AnyInSegment => takes_one(next.is_some_and(|next| *next != ':')),
            Token::Star => takes_more(next.is_some()),
            Token::StarInSegment => takes_more(next.is_some_and(|next| *next != ':')),
        }
    }

    /// Patterns as ARNs have them: first wildcards within segments, and stars that end one; then any.
    fn arn_tokens() -> impl Strategy<Value = Vec<Token>> {
        let char = || prop_oneof![Just('a'), Just('b'), Just(':')].prop_map(Token::One);
        let within = prop_oneof![
            4 => char().prop_map(|token| vec![token]),
            1 => Just(vec![Token::AnyInSegment]),
            2 => Just(vec![Token::StarInSegment]),
            1 => Just(vec![Token::Star, Token::One(':')]),
        ];
        let after = prop_oneof![4 => char(), 1 => Just(Token::Star), 1 => Just(Token::Any)];
        let parts = (
            prop::collection::vec(within, 0..7),
            prop::collection::vec(after, 0..5),
        );
        parts.prop_map(|(within, after)| within.into_iter().flatten().chain(after).collect())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn matching_does_what_the_definition_says(tokens in arn_tokens(), text in "[ab:]{0,9}") {
            let chars: Vec<char> = text.chars().collect();
            let expected = defined(&tokens, &chars);
            prop_assert_eq!(matches(&tokens, &text), expected);
            prop_assert_eq!(Glob::from_tokens(tokens).matches(&text), expected);
        }
    }

    #[test]
    fn a_hostile_pattern_ends_soon() {
        let pattern = Glob::new(&"*a".repeat(2_000));
        assert!(!pattern.matches(&"a".repeat(1_999)));
        assert!(!pattern.matches(&format!("{}b", "a".repeat(4_000))));
    }
}
