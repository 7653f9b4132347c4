//! The stable name of a subject.

use sha2::{Digest, Sha256};

use crate::model::Subject;

/// Bytes of the digest that are kept: among a million subjects two would share a name once in 10^7 fleets.
const BYTES: usize = 8;

/// A digest of workload, executable, script and user: the same on every host and after every restart.
pub(super) fn of(subject: &Subject) -> String {
    let mut digest = Sha256::new();
    digest.update(b"whittle subject 1");
    let uid = subject.uid.to_string();
    let parts = [
        subject.workload.kind.map_or(&b""[..], str::as_bytes),
        subject
            .workload
            .systemd_unit
            .as_deref()
            .map_or(&b""[..], str::as_bytes),
        &subject.executable,
        subject.script.as_deref().unwrap_or_default(),
        uid.as_bytes(),
    ];
    for part in parts {
        digest.update(part.len().to_le_bytes());
        digest.update(part);
    }
    hex::encode(&digest.finalize()[..BYTES])
}

#[cfg(test)]
mod tests {
    use crate::model::{Instance, Workload};

    use super::*;

    fn subject(executable: &str, script: Option<&str>, uid: u32, tgid: u32) -> Subject {
        Subject {
            subject_id: String::new(),
            executable: executable.into(),
            build_id: None,
            script: script.map(Into::into),
            uid,
            user: None,
            cgroup: None,
            workload: Workload::default(),
            instance: Instance {
                tgid,
                ..Instance::default()
            },
        }
    }

    #[test]
    fn it_is_the_same_for_another_process_and_another_for_another_script_or_user() {
        let one = of(&subject("/usr/bin/python3", Some("/a.py"), 0, 1));
        assert_eq!(one, of(&subject("/usr/bin/python3", Some("/a.py"), 0, 2)));
        assert_ne!(one, of(&subject("/usr/bin/python3", Some("/b.py"), 0, 1)));
        assert_ne!(one, of(&subject("/usr/bin/python3", None, 0, 1)));
        assert_ne!(one, of(&subject("/usr/bin/python3", Some("/a.py"), 1, 1)));
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        assert_ne!(
            of(&subject("/a", Some("b"), 0, 1)),
            of(&subject("/ab", Some(""), 0, 1))
        );
    }
}
