//! Paths folded to folders, so that a thousand files of one library take one line.

use std::collections::BTreeMap;

/// More files than this right in one folder are folded to one line.
const FOLD_FILES_OVER: usize = 6;

/// More lines than this below one folder are folded to one.
const FOLD_TREE_OVER: usize = 12;

/// The same for a folder right under the root, such as `/usr/`, which says little.
const FOLD_TOP_OVER: usize = 24;

/// One line of a folded list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// A file, or a folder that ends with `/`.
    pub(super) path: String,
    /// How many paths it stands for.
    pub(super) files: usize,
    /// Accesses to all of them.
    pub(super) count: u64,
    /// What is to be said about the path.
    pub(super) note: Option<String>,
}

/// Accesses to one path.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counted<'a> {
    /// The path.
    pub(super) path: &'a str,
    /// What is to be said about it: one path with two notes stays two.
    pub(super) note: Option<&'a str>,
    /// How many.
    pub(super) count: u64,
}

/// All paths, each with a line of its own.
pub(super) fn unfolded<'a>(paths: impl Iterator<Item = Counted<'a>>) -> Vec<Line> {
    let mut counts: BTreeMap<(&str, Option<&str>), u64> = BTreeMap::new();
    for path in paths {
        *counts.entry((path.path, path.note)).or_default() += path.count;
    }
    counts
        .into_iter()
        .map(|((path, note), count)| Line {
            path: path.to_owned(),
            files: 1,
            count,
            note: note.map(str::to_owned),
        })
        .collect()
}

/// Folds the files of a folder into one line where there are many, then folders into the one above.
pub(super) fn folded<'a>(paths: impl Iterator<Item = Counted<'a>>) -> Vec<Line> {
    let mut root = Folder::default();
    let mut nameless: BTreeMap<String, Vec<Line>> = BTreeMap::new();
    for line in unfolded(paths) {
        let Some(path) = line.path.strip_prefix('/') else {
            // No path but a kind and a number, such as `pipe:[17]`.
            let kind = line
                .path
                .split_inclusive(':')
                .next()
                .unwrap_or_default()
                .to_owned();
            nameless.entry(kind).or_default().push(line);
            continue;
        };
        let folders = path.rsplit_once('/').map_or("", |(folders, _)| folders);
        let names = folders.split('/').filter(|name| !name.is_empty());
        let folder = names.fold(&mut root, |folder, name| {
            folder.folders.entry(name.to_owned()).or_default()
        });
        folder.files.push(line);
    }
    let mut lines = root.lines("/", 0);
    for (kind, mut of_kind) in nameless {
        fold(&kind, &mut of_kind, FOLD_FILES_OVER);
        lines.extend(of_kind);
    }
    lines
}

#[derive(Default)]
struct Folder {
    files: Vec<Line>,
    folders: BTreeMap<String, Folder>,
}

impl Folder {
    fn lines(self, path: &str, depth: usize) -> Vec<Line> {
        let mut lines = self.files;
        if depth > 0 {
            fold(path, &mut lines, FOLD_FILES_OVER);
        }
        for (name, folder) in self.folders {
            lines.extend(folder.lines(&format!("{path}{name}/"), depth + 1));
        }
        match depth {
            0 => {}
            1 => fold(path, &mut lines, FOLD_TOP_OVER),
            _ => fold(path, &mut lines, FOLD_TREE_OVER),
        }
        lines.sort_by(|left, right| left.path.cmp(&right.path));
        lines
    }
}

fn fold(path: &str, lines: &mut Vec<Line>, over: usize) {
    if lines.len() > over {
        let files = lines.iter().map(|line| line.files).sum();
        let count = lines.iter().map(|line| line.count).sum();
        *lines = vec![Line {
            path: path.to_owned(),
            files,
            count,
            note: None,
        }];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(paths: &[&str], expected: &[(&str, usize, u64)]) {
        let lines = folded(paths.iter().map(|path| Counted {
            path,
            note: None,
            count: 1,
        }));
        let lines: Vec<_> = lines
            .iter()
            .map(|line| (line.path.as_str(), line.files, line.count))
            .collect();
        assert_eq!(lines, expected);
    }

    fn numbered(folder: &str, files: usize) -> Vec<String> {
        (0..files)
            .map(|number| format!("{folder}/{number}"))
            .collect()
    }

    fn all<'a>(groups: &[&'a [String]]) -> Vec<&'a str> {
        groups
            .iter()
            .flat_map(|group| group.iter().map(String::as_str))
            .collect()
    }

    #[test]
    fn a_few_files_stand_for_themselves() {
        check(
            &["/etc/passwd", "/etc/group", "pipe:[3]"],
            &[
                ("/etc/group", 1, 1),
                ("/etc/passwd", 1, 1),
                ("pipe:[3]", 1, 1),
            ],
        );
        check(&[], &[]);
    }

    #[test]
    fn many_files_of_one_folder_take_one_line() {
        let (few, many) = (numbered("/srv/few", 6), numbered("/srv/many", 7));
        let mut expected: Vec<_> = few.iter().map(|path| (path.as_str(), 1, 1)).collect();
        expected.push(("/srv/many/", 7, 7));
        check(&all(&[&few, &many]), &expected);
    }

    #[test]
    fn many_folders_fold_into_the_one_above_and_very_many_into_the_first() {
        let deep: Vec<_> = (0..13)
            .map(|number| format!("/usr/lib/python3/{number}/x.py"))
            .collect();
        check(&all(&[&deep]), &[("/usr/lib/python3/", 13, 13)]);
        let shallow: Vec<_> = (10..23).map(|number| format!("/usr/{number}/x")).collect();
        let expected: Vec<_> = shallow.iter().map(|path| (path.as_str(), 1, 1)).collect();
        check(&all(&[&shallow]), &expected);
        let processes: Vec<_> = (0..25)
            .map(|number| format!("/proc/{number}/stat"))
            .collect();
        check(&all(&[&processes]), &[("/proc/", 25, 25)]);
    }

    #[test]
    fn many_nameless_files_of_one_kind_take_one_line() {
        let pipes: Vec<_> = (0..7).map(|number| format!("pipe:[{number}]")).collect();
        let mut paths = all(&[&pipes]);
        paths.push("memfd:jit (deleted)");
        check(&paths, &[("memfd:jit (deleted)", 1, 1), ("pipe:", 7, 7)]);
    }

    #[test]
    fn the_same_path_counts_once_as_a_file_and_always_as_an_access() {
        check(&["/a/b", "/a/b"], &[("/a/b", 1, 2)]);
    }

    #[test]
    fn a_path_of_two_thousand_folders_is_folded_like_any_other() {
        let path = "/d".repeat(2047);
        check(&[&path], &[(&path, 1, 1)]);
    }
}
