//! Numbers and lists as people read them.

use indicatif::HumanCount;

/// `22091` as `22,091`.
pub(crate) fn grouped(number: usize) -> String {
    HumanCount(u64::try_from(number).unwrap_or(u64::MAX)).to_string()
}

/// `1 window`, `2 windows`, `2 accesses`.
pub(crate) fn counted(number: usize, noun: &str) -> String {
    let ending = match number {
        1 => "",
        _ if noun.ends_with('s') => "es",
        _ => "s",
    };
    format!("{} {noun}{ending}", grouped(number))
}

/// Items with commas, in lines of at most `width` characters; past `most` lines the rest is counted.
pub(crate) fn wrapped(items: &[&str], width: usize, most: usize) -> Vec<String> {
    let mut lines: Vec<(String, usize)> = Vec::new();
    for item in items {
        let length = item.chars().count() + 2;
        match lines.last_mut() {
            Some((line, count)) if line.chars().count() + length <= width => {
                line.push_str(", ");
                line.push_str(item);
                *count += 1;
            }
            _ => lines.push(((*item).to_owned(), 1)),
        }
    }
    let shown = if lines.len() > most {
        most
    } else {
        lines.len()
    };
    let left: usize = lines[shown..].iter().map(|(_, count)| count).sum();
    let mut lines: Vec<String> = lines
        .into_iter()
        .take(shown)
        .map(|(line, _)| line)
        .collect();
    let last = lines.len().saturating_sub(1);
    for line in lines.iter_mut().take(last) {
        line.push(',');
    }
    if left > 0 {
        lines.push(format!("and {} more", grouped(left)));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_lists_are_as_people_read_them() {
        assert_eq!(grouped(22_091), "22,091");
        assert_eq!(grouped(100), "100");
        assert_eq!(counted(1, "window"), "1 window");
        let lines = wrapped(&["aaaa", "bbbb", "cccc", "dddd"], 10, 1);
        assert_eq!(lines, ["aaaa, bbbb", "and 2 more"]);
        assert_eq!(wrapped(&["a", "b"], 1, 5), ["a,", "b"]);
        assert!(wrapped(&[], 10, 3).is_empty());
    }
}
