//! Templates of ARNs, filled from the request. Their form is described in `plan.rs`.

use std::borrow::Cow;

use smallvec::{SmallVec, smallvec};

use super::actions::Context;
use super::plan::{Body, Kind, Piece, Pieces, Source, Template};
use super::s3;
use super::transform::{self, Part, Transform};
use super::{route, uri};

type Texts<'v> = SmallVec<[Cow<'v, str>; 2]>;

/// Whether the request has a source.
pub(super) fn has(context: &Context<'_, '_>, source: &Source) -> bool {
    match source.kind {
        Kind::SourceVersion => s3::source(context.request).is_some_and(|source| source.has_version),
        Kind::Header => uri::header_or_key(context.request, source.name).is_some(),
        _ => !texts(context, source).is_empty(),
    }
}

/// The values of a source, decoded.
fn texts<'v>(context: &'v Context<'_, '_>, source: &Source) -> Texts<'v> {
    let name = source.name;
    let one = match source.kind {
        Kind::Label => {
            let path = context.matched.operation.path;
            route::label(path, &context.matched.segments, name).map(uri::decoded)
        }
        Kind::Key => {
            let pairs = context.query.pairs();
            let found = pairs.filter(|(key, _)| uri::same_key(key, name));
            return found.map(|(_, value)| uri::decoded_form(value)).collect();
        }
        Kind::Header => uri::header_or_key(context.request, name),
        Kind::Body => {
            let values = context.values.at(source.path);
            return values.map(|value| Cow::Borrowed(value.as_ref())).collect();
        }
        Kind::Bucket => {
            let s3 = context.s3.as_ref();
            s3.and_then(|s3| s3.bucket.as_deref()).map(Cow::Borrowed)
        }
        Kind::Path => Some(Cow::Owned(context.path())),
        Kind::SourceVersion => None,
    };
    one.into_iter().collect()
}

/// A source, as far as sources are told apart.
type Key = (Kind, &'static str);

/// The resources of one action, while its templates are filled.
#[derive(Default)]
pub(super) struct Resources {
    pub(super) found: Vec<String>,
    /// Resources of which the request names nothing but, by the ARN of its source, one of another type.
    doubtful: SmallVec<[(String, Key); 2]>,
    /// Sources that gave a whole ARN.
    whole: SmallVec<[Key; 2]>,
}

impl Resources {
    /// What is left when all templates are filled. An ARN that is of one type is not of the others.
    pub(super) fn finish(mut self) -> Vec<String> {
        for (text, source) in std::mem::take(&mut self.doubtful) {
            if !self.whole.contains(&source) {
                self.add(text);
            }
        }
        self.found
    }

    pub(super) fn add(&mut self, resource: String) {
        if !self.found.contains(&resource) {
            self.found.push(resource);
        }
    }
}

/// Adds the resources that a template stands for.
pub(super) fn expand(context: &Context<'_, '_>, template: &'static Template, to: &mut Resources) {
    if template.alone && !to.found.is_empty() {
        return;
    }
    let required = template.required;
    let pieces = match &template.body {
        Body::Arn(pieces) => pieces,
        Body::S3(which) => {
            if let Some(s3) = &context.s3 {
                s3.add(context, which, to);
            }
            return;
        }
    };
    let mut filling = Filling {
        context,
        of: pieces,
        texts: smallvec![String::with_capacity(96)],
        required,
        named: false,
        foreign: None,
        whole: None,
        cut: false,
    };
    if filling.fill() {
        to.whole.extend(filling.whole);
        for text in filling.texts {
            match filling.foreign {
                Some(source) if !filling.named => to.doubtful.push((text, source)),
                _ => to.add(text),
            }
        }
    }
    if filling.cut && required {
        to.add("*".to_owned());
    }
}

struct Filling<'c, 'r, 'a> {
    context: &'c Context<'r, 'a>,
    of: &'static Pieces,
    /// One for each value of a list.
    texts: SmallVec<[String; 1]>,
    required: bool,
    /// Whether a value of the request is in it.
    named: bool,
    /// A source whose value is the ARN of something else.
    foreign: Option<Key>,
    /// A source whose value is the ARN.
    whole: Option<Key>,
    /// Whether a part of the body that is not there may say more.
    cut: bool,
}

impl<'c> Filling<'c, '_, '_> {
    /// Whether the texts are resources.
    fn fill(&mut self) -> bool {
        for (at, piece) in self.of.parts.iter().enumerate() {
            match piece {
                Piece::Text(text) => self.push(text),
                Piece::Partition => self.push(self.context.partition),
                Piece::Region => self.push(self.context.region),
                Piece::Account => self.push(self.context.account()),
                Piece::Suffix(source) => {
                    if let Some(value) = texts(self.context, source).first() {
                        self.push(":");
                        self.push(value);
                    }
                }
                Piece::Value(sources, transform) => {
                    let is_last = at + 1 == self.of.parts.len();
                    if !self.value(sources, *transform, is_last) {
                        return false;
                    }
                    // A whole ARN has what the request need not say.
                    if self.whole.is_some() && at == self.of.last_value {
                        return true;
                    }
                }
            }
        }
        true
    }

    fn push(&mut self, text: &str) {
        for of in &mut self.texts {
            of.push_str(text);
        }
    }

    /// Whether the resource goes on.
    fn value(&mut self, sources: &[Source], transform: Transform, is_last: bool) -> bool {
        let Some((source, values)) = self.first(sources) else {
            return false;
        };
        let key = (source.kind, source.name);
        let cut = source.kind == Kind::Body && !self.context.values.whole;
        self.cut |= cut && (values.is_empty() || source.is_list);
        let mut parts: SmallVec<[Part<'_>; 2]> = SmallVec::new();
        for value in &values {
            let part = transform::apply(self.context, self.of, transform, value, is_last);
            if part.is_none() && value.starts_with("arn:") {
                self.foreign = Some(key);
            }
            let unknown = self.required && !self.of.is_one_value();
            parts.extend(part.or(unknown.then_some(Part::Unknown)));
        }
        if values.is_empty() {
            parts.extend(transform::absent(transform));
        }
        match parts.as_slice() {
            // Of an ARN that is to be taken as it is nothing else is known.
            [] if !self.required || cut || self.of.is_one_value() => return false,
            [] => self.push("*"),
            [part] => {
                self.note(part, key);
                for text in &mut self.texts {
                    part.add_to(text);
                }
            }
            several => {
                // Lists of one resource are of one member: the first text is that of all.
                let first = self.texts.first().cloned().unwrap_or_default();
                self.texts.clear();
                for part in several {
                    self.note(part, key);
                    let mut text = first.clone();
                    part.add_to(&mut text);
                    self.texts.push(text);
                }
            }
        }
        true
    }

    fn note(&mut self, part: &Part<'_>, source: Key) {
        match part {
            Part::Text(_) => self.named = true,
            Part::Whole(_) => {
                self.named = true;
                self.whole = Some(source);
            }
            Part::OfOther(_) => self.foreign = Some(source),
            Part::Unknown => {}
        }
    }

    /// The first of several sources that the request has, else the last.
    fn first<'s>(&self, sources: &'s [Source]) -> Option<(&'s Source, Texts<'c>)> {
        let (last, others) = sources.split_last()?;
        for source in others {
            let values = texts(self.context, source);
            if !values.is_empty() {
                return Some((source, values));
            }
        }
        Some((last, texts(self.context, last)))
    }
}
