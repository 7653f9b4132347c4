//! A file has one subject: past 400 lines it is listed, past 600 it is refused.

use crate::{check, sources};

const LISTED: usize = 400;
const REFUSED: usize = 600;

#[test]
fn no_file_has_more_than_600_lines() {
    for source in sources()
        .iter()
        .filter(|source| is_written_here(&source.path))
    {
        let lines = source.text.lines().count();
        if lines > LISTED {
            println!("{}: {lines} lines, time to split it", source.path);
        }
    }
    check(is_written_here, too_long);
}

fn is_written_here(path: &str) -> bool {
    [".rs", ".sh", ".py", ".toml"]
        .iter()
        .any(|ending| path.ends_with(ending))
}

fn too_long(_: &str, text: &str) -> Vec<String> {
    let lines = text.lines().count();
    if lines > REFUSED {
        vec![format!("{lines} lines, and {REFUSED} is the most")]
    } else {
        Vec::new()
    }
}

#[test]
fn a_file_that_is_too_long_is_found() {
    assert!(too_long("a.rs", &"x\n".repeat(REFUSED)).is_empty());
    assert_eq!(too_long("a.rs", &"x\n".repeat(REFUSED + 1)).len(), 1);
}
