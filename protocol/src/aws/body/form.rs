//! Forms: `Key.member.1.Name=value`, in a body or in a query.

use std::borrow::Cow;

use smallvec::SmallVec;

use super::Values;

/// Whether it was read to its end. Of a form that is cut the last pair does not count.
pub(super) fn read<'a>(form: &'a [u8], complete: bool, values: &mut Values<'a>) -> bool {
    let whole = if complete {
        form
    } else {
        let end = form.iter().rposition(|byte| *byte == b'&').unwrap_or(0);
        &form[..end]
    };
    for (key, value) in form_urlencoded::parse(whole) {
        for number in 0..values.paths.len() {
            if is_at(values.paths[number], &key) {
                values.keep(number, trimmed(value.clone()));
            }
        }
    }
    complete
}

/// Some clients end a form with a line break.
fn trimmed(value: Cow<'_, str>) -> Cow<'_, str> {
    if value.ends_with('\n') {
        Cow::Owned(value.trim_end().to_owned())
    } else {
        value
    }
}

fn is_at(path: &str, key: &str) -> bool {
    let mut parts = key.split('.');
    let mut names = path.split('/');
    while let Some(name) = names.next() {
        let leads_on = match name {
            "**" => return ends_with(parts.filter(|part| !is_of_list(part)), names),
            // `member.1`, `1`, or the element's own name and a number.
            "[]" => {
                let first = parts.next();
                first.is_some_and(is_number)
                    || first.is_some() && parts.next().is_some_and(is_number)
            }
            _ => parts.next() == Some(name),
        };
        if !leads_on {
            return false;
        }
    }
    parts.next().is_none()
}

fn ends_with<'k>(
    parts: impl Iterator<Item = &'k str>,
    names: impl Iterator<Item = &'k str>,
) -> bool {
    let parts: SmallVec<[&str; 8]> = parts.collect();
    let names: SmallVec<[&str; 8]> = names.filter(|name| *name != "[]").collect();
    parts.ends_with(&names)
}

fn is_number(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_of_list(part: &str) -> bool {
    is_number(part) || part == "member" || part == "entry"
}
