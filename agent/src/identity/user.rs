//! Names of users, from this host's `/etc/passwd`. A user of a container or of a directory service that is
//! not in it has no name here, and its number says who it is.

use std::collections::HashMap;

/// Largest `/etc/passwd` that is read, in lines.
const MOST_LINES: usize = 100_000;

pub(super) struct Users(HashMap<u32, String>);

impl Users {
    pub(super) fn read() -> Self {
        // Without the file no user has a name.
        Self::parse(&std::fs::read_to_string("/etc/passwd").unwrap_or_default())
    }

    fn parse(passwd: &str) -> Self {
        let entry = |line: &str| {
            let mut fields = line.split(':');
            let name = fields.next()?.to_owned();
            let uid = fields.nth(1)?.parse().ok()?;
            Some((uid, name))
        };
        let mut users = HashMap::new();
        for (uid, name) in passwd.lines().take(MOST_LINES).filter_map(entry) {
            // The first name of a number is the one that tools show.
            users.entry(uid).or_insert(name);
        }
        Self(users)
    }

    pub(super) fn name(&self, uid: u32) -> Option<String> {
        self.0.get(&uid).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_name_of_a_number_counts_and_damaged_lines_do_not() {
        let users =
            Users::parse("root:x:0:0::/root:/bin/sh\ntoor:x:0:0:::\nbroken\nme:x:12x:1:::\n");
        assert_eq!(users.name(0).as_deref(), Some("root"));
        assert_eq!(users.name(12), None);
    }
}
