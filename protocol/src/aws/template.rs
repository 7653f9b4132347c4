//! Templates of ARNs, filled from the request. `%p`, `%r` and `%a` are partition, region and account. `{SOURCE}` is a
//! value: `u/NAME` a label of the path, `q/NAME` a query key, `h/NAME` a header, `b/PATH` in the body; `{SOURCE|TRANSFORM}`
//! is what `transform.rs` makes of it, and `{:SOURCE}` is it after a colon, or nothing. `@bucket`, `@object`, `@objects` and
//! `@source` are what S3 acts on (`s3.rs`); `{@path}` is the path.

use std::borrow::Cow;

use smallvec::{SmallVec, smallvec};

use super::actions::Context;
use super::s3;
use super::transform::{self, Part};
use super::{route, uri};

type Texts<'v> = SmallVec<[Cow<'v, str>; 2]>;

/// The paths that a column of actions wants from a body.
pub(super) fn body_paths(column: &'static str) -> SmallVec<[&'static str; 8]> {
    let mut paths: SmallVec<[&'static str; 8]> = SmallVec::new();
    if !column.contains("b/") {
        return paths;
    }
    let beginnings = ["{b/", ",b/", "?b/", "?!b/", "{:b/"];
    for (at, _) in column.match_indices("b/") {
        if !beginnings
            .iter()
            .any(|start| column[..at + 2].ends_with(start))
        {
            continue;
        }
        let rest = &column[at + 2..];
        let end = rest
            .find(['}', ',', '|', ';', ' ', '+'])
            .unwrap_or(rest.len());
        if !paths.contains(&&rest[..end]) {
            paths.push(&rest[..end]);
        }
    }
    if column.contains("@objects") {
        paths.push(s3::KEYS);
    }
    paths
}

/// Whether the request has a source.
pub(super) fn has(context: &Context<'_, '_>, source: &'static str) -> bool {
    match source {
        "@source-version" => s3::source(context.request).is_some_and(|source| source.has_version),
        _ => !texts(context, source).is_empty(),
    }
}

/// The values of a source, decoded.
fn texts<'v>(context: &'v Context<'_, '_>, source: &'static str) -> Texts<'v> {
    let (kind, name) = source.split_once('/').unwrap_or((source, ""));
    let one = match kind {
        "u" => {
            let path = context.matched.operation.path;
            route::label(path, &context.matched.segments, name).map(uri::decoded)
        }
        "q" => {
            // A list is a key that repeats.
            let name = name.strip_suffix("/[]").unwrap_or(name);
            return context
                .query
                .pairs()
                .filter(|(key, _)| uri::same_key(key, name))
                .map(|(_, value)| uri::decoded_form(value))
                .collect();
        }
        "h" => uri::header(context.request, name)
            .and_then(|value| std::str::from_utf8(value).ok())
            .map(Cow::Borrowed),
        "b" => {
            return context
                .values
                .at(name)
                .map(|value| Cow::Borrowed(value.as_ref()))
                .collect();
        }
        "@bucket" => context
            .s3
            .as_ref()
            .and_then(|s3| s3.bucket.as_deref())
            .map(Cow::Borrowed),
        "@path" => Some(Cow::Owned(context.path())),
        _ => None,
    };
    one.into_iter().collect()
}

/// The resources of one action, while its templates are filled.
#[derive(Default)]
pub(super) struct Resources {
    pub(super) found: Vec<String>,
    /// Resources of which the request names nothing but, by the ARN of its source, one of another type.
    doubtful: SmallVec<[(String, &'static str); 2]>,
    /// Sources that gave a whole ARN.
    whole: SmallVec<[&'static str; 2]>,
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

/// Adds the resources that `token`, a template with its mark, stands for.
pub(super) fn expand(context: &Context<'_, '_>, token: &'static str, to: &mut Resources) {
    let (token, alone) = match token.strip_prefix('^') {
        Some(rest) => (rest, true),
        None => (token, false),
    };
    if alone && !to.found.is_empty() {
        return;
    }
    let (template, required) = match token.strip_prefix('?') {
        Some(template) => (template, false),
        None => (token.strip_prefix('!').unwrap_or(token), true),
    };
    if template.starts_with('@') {
        if let Some(s3) = &context.s3 {
            s3.add(context, template, to);
        }
        return;
    }
    let mut filling = Filling {
        context,
        template,
        texts: smallvec![String::with_capacity(template.len() + 32)],
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
    template: &'static str,
    /// One for each value of a list.
    texts: SmallVec<[String; 1]>,
    required: bool,
    /// Whether a value of the request is in it.
    named: bool,
    /// A source whose value is the ARN of something else.
    foreign: Option<&'static str>,
    /// A source whose value is the ARN.
    whole: Option<&'static str>,
    /// Whether a part of the body that is not there may say more.
    cut: bool,
}

impl<'c> Filling<'c, '_, '_> {
    /// Whether the texts are resources.
    fn fill(&mut self) -> bool {
        let mut rest = self.template;
        while let Some(at) = rest.find(['%', '{']) {
            self.push(&rest[..at]);
            rest = &rest[at..];
            if let Some(after) = rest.strip_prefix('{') {
                let (placeholder, after) = after.split_once('}').unwrap_or((after, ""));
                rest = after;
                if !self.placeholder(placeholder, rest.is_empty()) {
                    return false;
                }
                // A whole ARN has what the request need not say.
                if self.whole.is_some() && !rest.contains('{') {
                    return true;
                }
            } else {
                let known = match rest.get(..2) {
                    Some("%p") => self.context.partition,
                    Some("%r") => self.context.region,
                    Some("%a") => self.context.account(),
                    _ => "%",
                };
                self.push(known);
                rest = rest.get(2..).unwrap_or_default();
            }
        }
        self.push(rest);
        true
    }

    fn push(&mut self, text: &str) {
        for of in &mut self.texts {
            of.push_str(text);
        }
    }

    /// Whether the resource goes on.
    fn placeholder(&mut self, placeholder: &'static str, is_last: bool) -> bool {
        let (sources, transform) = placeholder.split_once('|').unwrap_or((placeholder, ""));
        if let Some(source) = sources.strip_prefix(':') {
            if let Some(value) = texts(self.context, source).first() {
                self.push(":");
                self.push(value);
            }
            return true;
        }
        let (source, values) = self.first(sources);
        let cut = source.starts_with("b/") && !self.context.values.whole;
        self.cut |= cut && (values.is_empty() || source.contains(['[', '<']));
        let mut parts: SmallVec<[Part<'_>; 2]> = SmallVec::new();
        for value in &values {
            let part = transform::apply(self.context, self.template, transform, value, is_last);
            if part.is_none() && value.starts_with("arn:") {
                self.foreign = Some(source);
            }
            let unknown = self.required && !self.template.starts_with('{');
            parts.extend(part.or(unknown.then_some(Part::Unknown)));
        }
        if values.is_empty() {
            parts.extend(transform::absent(transform));
        }
        match parts.as_slice() {
            // Of an ARN that is to be taken as it is nothing else is known.
            [] if !self.required || cut || self.template.starts_with('{') => return false,
            [] => self.push("*"),
            [part] => {
                self.note(part, source);
                for text in &mut self.texts {
                    part.add_to(text);
                }
            }
            several => {
                // Lists of one resource are of one member: the first text is that of all.
                let first = self.texts.first().cloned().unwrap_or_default();
                self.texts.clear();
                for part in several {
                    self.note(part, source);
                    let mut text = first.clone();
                    part.add_to(&mut text);
                    self.texts.push(text);
                }
            }
        }
        true
    }

    fn note(&mut self, part: &Part<'_>, source: &'static str) {
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

    /// The first of several sources that the request has.
    fn first(&self, sources: &'static str) -> (&'static str, Texts<'c>) {
        let mut source = sources;
        let mut values = Texts::new();
        for one in sources.split(',') {
            source = one;
            values = texts(self.context, one);
            if !values.is_empty() {
                break;
            }
        }
        (source, values)
    }
}
