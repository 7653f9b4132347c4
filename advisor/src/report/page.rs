//! The page that the report is written on: indents, colours, and paths that have to fit.

use std::fmt::Write;

/// How the report looks.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Whether to use the terminal's colours.
    pub colour: bool,
    /// Columns of the terminal.
    pub width: u16,
    /// Whether to list every file by its whole path, instead of folding folders.
    pub all: bool,
}

/// What a piece of text is to stand out as.
#[derive(Clone, Copy)]
pub(super) enum Paint {
    Bold,
    Dim,
    Red,
    Green,
    Yellow,
}

/// The text so far. Columns before a path have fixed places, so that nothing needs the path's width.
pub(super) struct Page {
    pub(super) text: String,
    pub(super) style: Style,
}

impl Page {
    pub(super) fn new(style: Style) -> Self {
        Self {
            text: String::new(),
            style,
        }
    }

    pub(super) fn line(&mut self, indent: usize, text: &str) {
        writeln!(self.text, "{:indent$}{text}", "", indent = 2 * indent)
            .expect("writing to a String does not fail");
    }

    pub(super) fn heading(&mut self, indent: usize, paint: Paint, text: &str) {
        self.text.push('\n');
        self.line(indent, &self.paint(paint, text));
    }

    /// A count, words, and what may be long: a path that does not fit loses its middle.
    pub(super) fn entry(&mut self, count: u64, words: &str, path: &str) {
        let before = 12 + words.chars().count();
        let path = if self.style.all {
            path.to_owned()
        } else {
            without_middle(
                path,
                usize::from(self.style.width)
                    .saturating_sub(before)
                    .max(MIN_PATH_WIDTH),
            )
        };
        self.line(
            1,
            &format!(
                "{}  {words}{path}",
                self.paint(Paint::Dim, &format!("{count:>8}"))
            ),
        );
    }

    /// Words, and what may be long, at an indent of any depth.
    pub(super) fn entry_of(&mut self, indent: usize, words: &str, path: &str) {
        let before = 2 * indent + words.chars().count();
        let width = usize::from(self.style.width).saturating_sub(before);
        let path = if self.style.all {
            path.to_owned()
        } else {
            without_middle(path, width.max(MIN_PATH_WIDTH))
        };
        self.line(indent, &format!("{words}{path}"));
    }

    /// Words on the entry before, under its path.
    pub(super) fn note(&mut self, words: &str) {
        self.line(6, &self.paint(Paint::Yellow, words));
    }

    pub(super) fn paint(&self, paint: Paint, text: &str) -> String {
        let code = match paint {
            Paint::Bold => 1,
            Paint::Dim => 2,
            Paint::Red => 31,
            Paint::Green => 32,
            Paint::Yellow => 33,
        };
        if self.style.colour {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

/// Even a narrow terminal shows this much of a path.
const MIN_PATH_WIDTH: usize = 24;

/// The text in at most `width` characters, its end longer than its start: names are at the end.
fn without_middle(text: &str, width: usize) -> String {
    let length = text.chars().count();
    if length <= width {
        return text.to_owned();
    }
    let start = (width - 1) / 3;
    let end = width - 1 - start;
    text.chars()
        .take(start)
        .chain(['…'])
        .chain(text.chars().skip(length - end))
        .collect()
}
