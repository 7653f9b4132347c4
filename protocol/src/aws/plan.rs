//! What an operation's column of actions says, read once for each operation that is seen. `;` stands between actions,
//! spaces between an action and its resources. An action is `prefix:Name`, and after it `?SOURCE` where it is needed only
//! if the request has that source, `?!SOURCE` where only if it has not, `+` where only if one of its resources was found.
//!
//! A resource is a template of an ARN with a mark: `!` (always a resource of the action; what is not known of it is `*`),
//! `?` (only if all of it is known), `^!` (only if none was found before it). In a template `%p`, `%r` and `%a` are
//! partition, region and account; `{SOURCE}` is a value, `{SOURCE,SOURCE}` the first of them that is there,
//! `{SOURCE|TRANSFORM}` what `transform.rs` makes of it, and `{:SOURCE}` is it after a colon, or nothing. A source is `u/NAME`
//! (a label of the path), `q/NAME` (a query key), `h/NAME` (a header) or `b/PATH` (in the body); `@bucket`, `@object`,
//! `@objects` and `@source` are what S3 acts on (`s3.rs`), `@path` is the path.

use smallvec::SmallVec;

use super::s3;
use super::transform::{Arn, Transform};

pub(super) type Paths = SmallVec<[&'static str; 8]>;

pub(super) struct Plan {
    /// What is wanted from the body.
    pub(super) paths: Paths,
    pub(super) uses: Vec<Use>,
}

/// One action.
pub(super) struct Use {
    pub(super) name: Name,
    pub(super) condition: Option<Condition>,
    pub(super) only_with_resources: bool,
    pub(super) templates: Vec<Template>,
}

pub(super) enum Name {
    Is(&'static str),
    /// API Gateway's are called like the method.
    Verb,
    /// The statements at this source say it.
    PartiQl(Source),
}

pub(super) struct Condition {
    pub(super) source: Source,
    pub(super) is_absent: bool,
}

pub(super) struct Template {
    pub(super) required: bool,
    pub(super) alone: bool,
    pub(super) body: Body,
}

pub(super) enum Body {
    S3(&'static str),
    Arn(Pieces),
}

/// The pieces of an ARN.
pub(super) struct Pieces {
    pub(super) parts: Vec<Piece>,
    /// Where the last value is.
    pub(super) last_value: usize,
    /// The service in it, and what its resource begins with; empty where the template is one value.
    pub(super) service: &'static str,
    pub(super) literal: &'static str,
}

pub(super) enum Piece {
    Text(&'static str),
    Partition,
    Region,
    Account,
    Value(SmallVec<[Source; 1]>, Transform),
    Suffix(Source),
}

#[derive(Clone, Copy)]
pub(super) struct Source {
    pub(super) kind: Kind,
    pub(super) name: &'static str,
    /// Which of the plan's paths it is, where it is in the body.
    pub(super) path: usize,
    /// Whether it may have several values.
    pub(super) is_list: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Label,
    Key,
    Header,
    Body,
    Bucket,
    Path,
    /// A copy's source has a version.
    SourceVersion,
}

impl Plan {
    pub(super) fn new(column: &'static str) -> Self {
        let mut paths = Paths::new();
        let uses = column.split(';').map(|column| read_use(column, &mut paths));
        Self {
            uses: uses.collect(),
            paths,
        }
    }
}

fn read_use(column: &'static str, paths: &mut Paths) -> Use {
    let mut tokens = column.split(' ');
    let head = tokens.next().unwrap_or_default();
    let (head, only_with_resources) = match head.strip_suffix('+') {
        Some(head) => (head, true),
        None => (head, false),
    };
    let (name, condition) = match head.split_once('?') {
        Some((name, condition)) => (name, Some(condition)),
        None => (head, None),
    };
    let condition = condition.map(|condition| Condition {
        source: Source::read(condition.trim_start_matches('!'), paths),
        is_absent: condition.starts_with('!'),
    });
    let name = match name {
        "apigateway:@verb" => Name::Verb,
        "dynamodb:@partiql" => {
            let source = tokens.next().unwrap_or_default();
            Name::PartiQl(Source::read(source.trim_matches(['{', '}']), paths))
        }
        name => Name::Is(name),
    };
    Use {
        name,
        condition,
        only_with_resources,
        templates: tokens.map(|token| Template::read(token, paths)).collect(),
    }
}

impl Template {
    fn read(token: &'static str, paths: &mut Paths) -> Self {
        let (token, alone) = match token.strip_prefix('^') {
            Some(rest) => (rest, true),
            None => (token, false),
        };
        let (text, required) = match token.strip_prefix('?') {
            Some(text) => (text, false),
            None => (token.strip_prefix('!').unwrap_or(token), true),
        };
        if text == "@objects" && !paths.contains(&s3::KEYS) {
            paths.push(s3::KEYS);
        }
        Self {
            required,
            alone,
            body: if text.starts_with('@') {
                Body::S3(text)
            } else {
                Body::Arn(Pieces::read(text, paths))
            },
        }
    }
}

impl Pieces {
    fn read(text: &'static str, paths: &mut Paths) -> Self {
        let mut pieces = Vec::new();
        let mut last_value = 0;
        let mut rest = text;
        while let Some(at) = rest.find(['%', '{']) {
            if at > 0 {
                pieces.push(Piece::Text(&rest[..at]));
            }
            rest = &rest[at..];
            if let Some(after) = rest.strip_prefix('{') {
                let (value, after) = after.split_once('}').unwrap_or((after, ""));
                rest = after;
                last_value = pieces.len();
                pieces.push(Piece::read(value, paths));
            } else {
                pieces.push(match rest.as_bytes().get(1) {
                    Some(b'p') => Piece::Partition,
                    Some(b'r') => Piece::Region,
                    _ => Piece::Account,
                });
                rest = rest.get(2..).unwrap_or_default();
            }
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest));
        }
        let (service, literal) = Arn::parse(text).map_or(("", ""), |arn| {
            let literal = arn.resource.split(['{', '*']).next();
            (arn.service, literal.unwrap_or_default())
        });
        Self {
            parts: pieces,
            last_value,
            service,
            literal,
        }
    }

    /// Whether a value is all of it, so that nothing is known without one.
    pub(super) fn is_one_value(&self) -> bool {
        self.service.is_empty()
    }
}

impl Piece {
    fn read(value: &'static str, paths: &mut Paths) -> Self {
        let (sources, transform) = value.split_once('|').unwrap_or((value, ""));
        if let Some(source) = sources.strip_prefix(':') {
            return Self::Suffix(Source::read(source, paths));
        }
        let sources = sources.split(',').map(|source| Source::read(source, paths));
        // A test holds that all of the table are known.
        let transform = Transform::read(transform).unwrap_or(Transform::Name);
        Self::Value(sources.collect(), transform)
    }
}

impl Source {
    fn read(source: &'static str, paths: &mut Paths) -> Self {
        let (kind, name) = source.split_once('/').unwrap_or((source, ""));
        let kind = match kind {
            "u" => Kind::Label,
            "q" => Kind::Key,
            "h" => Kind::Header,
            "@bucket" => Kind::Bucket,
            "@path" => Kind::Path,
            "@source-version" => Kind::SourceVersion,
            _ => Kind::Body,
        };
        let mut path = 0;
        if kind == Kind::Body {
            path = paths
                .iter()
                .position(|known| *known == name)
                .unwrap_or(paths.len());
            if path == paths.len() {
                paths.push(name);
            }
        }
        let is_list = name.contains(['[', '<']);
        Self {
            kind,
            // A list in a query is a key that repeats.
            name: if kind == Kind::Key {
                name.trim_end_matches("/[]")
            } else {
                name
            },
            path,
            is_list,
        }
    }
}
