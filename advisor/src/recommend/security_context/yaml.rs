//! YAML, written: what has more than one reading is quoted, so that every reader reads the same.

use std::fmt::Write;

/// A value, with the order of its members.
#[derive(Clone, Debug)]
pub(super) enum Yaml {
    Bool(bool),
    Number(u64),
    Text(String),
    List(Vec<Yaml>),
    Map(Vec<(&'static str, Yaml)>),
}

impl Yaml {
    pub(super) fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    /// As a document of its own. Comments come first.
    pub(super) fn document(&self, comments: &[String]) -> String {
        let mut text = String::new();
        for comment in comments {
            line(&mut text, 0, &format!("# {}", printable(comment)));
        }
        self.block(&mut text, 0, "");
        text
    }

    /// `before` is what already stands on the first line: a dash.
    fn block(&self, text: &mut String, indent: usize, before: &str) {
        let mut before = before.to_owned();
        let mut start = |text: &mut String, rest: &str| {
            let indent = if before.is_empty() {
                indent
            } else {
                indent - 1
            };
            line(text, indent, &format!("{before}{rest}"));
            before.clear();
        };
        match self {
            Self::Map(members) if !members.is_empty() => {
                for (name, value) in members {
                    if let Some(value) = value.inline() {
                        start(text, &format!("{name}: {value}"));
                    } else {
                        start(text, &format!("{name}:"));
                        value.block(text, indent + 1, "");
                    }
                }
            }
            Self::List(values) if !values.is_empty() => {
                for value in values {
                    if let Some(value) = value.inline() {
                        line(text, indent, &format!("- {value}"));
                    } else if let Self::List(_) = value {
                        line(text, indent, "-");
                        value.block(text, indent + 1, "");
                    } else {
                        value.block(text, indent + 1, "- ");
                    }
                }
            }
            scalar => start(text, &scalar.inline().unwrap_or_default()),
        }
    }

    /// On one line, where it goes there.
    fn inline(&self) -> Option<String> {
        match self {
            Self::Bool(value) => Some(value.to_string()),
            Self::Number(value) => Some(value.to_string()),
            Self::Text(text) => Some(scalar(text)),
            Self::List(values) if values.is_empty() => Some("[]".to_owned()),
            Self::Map(members) if members.is_empty() => Some("{}".to_owned()),
            Self::List(_) | Self::Map(_) => None,
        }
    }
}

fn line(text: &mut String, indent: usize, rest: &str) {
    writeln!(text, "{:indent$}{rest}", "", indent = 2 * indent)
        .expect("writing to a String does not fail");
}

/// Plain where nobody can take it for anything but this text.
fn scalar(text: &str) -> String {
    let is_plain = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '/')
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"/_-.".contains(&byte))
        && !is_word(text);
    if is_plain {
        return text.to_owned();
    }
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            ' '..='~' => quoted.push(character),
            _ => {
                write!(quoted, "\\U{:08x}", u32::from(character))
                    .expect("writing to a String does not fail");
            }
        }
    }
    quoted.push('"');
    quoted
}

/// What some readers take for a truth value or for nothing.
fn is_word(text: &str) -> bool {
    ["y", "n", "yes", "no", "true", "false", "on", "off", "null"]
        .iter()
        .any(|word| text.eq_ignore_ascii_case(word))
}

fn printable(comment: &str) -> String {
    let shown = |character: char| {
        if character.is_control() {
            ' '
        } else {
            character
        }
    };
    comment.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn json(yaml: &Yaml) -> serde_json::Value {
        match yaml {
            Yaml::Bool(value) => (*value).into(),
            Yaml::Number(value) => (*value).into(),
            Yaml::Text(text) => text.clone().into(),
            Yaml::List(values) => values.iter().map(json).collect(),
            Yaml::Map(members) => members
                .iter()
                .map(|(name, value)| ((*name).to_owned(), json(value)))
                .collect(),
        }
    }

    fn any_yaml() -> impl Strategy<Value = Yaml> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Yaml::Bool),
            any::<u32>().prop_map(|number| Yaml::Number(number.into())),
            ".{0,12}|yes|null|1e3|~|- a|a: b|# c|0x1|/tmp/a".prop_map(Yaml::Text),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            let values = proptest::collection::vec(inner, 0..4);
            prop_oneof![
                values.clone().prop_map(Yaml::List),
                values.prop_map(|values| {
                    Yaml::Map(["b", "mountPath", "a"].into_iter().zip(values).collect())
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn another_parser_reads_what_was_written(yaml in any_yaml()) {
            let text = yaml.document(&["a comment\nof two lines".to_owned()]);
            let read: serde_json::Value = serde_saphyr::from_str(&text)
                .map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?;
            prop_assert_eq!(read, json(&yaml), "{}", text);
        }
    }
}
