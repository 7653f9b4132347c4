//! Which mounts hold secrets, by where they are mounted and as what: the conventions of container platforms.

use std::path::Path;

/// Folders in which platforms mount secrets: Kubernetes service account tokens and the tokens of cloud identities beside
/// them (`eks.amazonaws.com`, `azure/tokens`), secrets of Docker and Podman, credentials of systemd services.
const FOLDERS: [&str; 3] = ["/var/run/secrets", "/run/secrets", "/run/credentials"];

/// Folders whose mounts are the system's own: a read-only tmpfs there hides something instead of giving it.
const SYSTEM: [&str; 4] = ["/dev", "/proc", "/run", "/sys"];

/// Files and folders that hold credentials, by the end of their path.
const CREDENTIALS: [&str; 14] = [
    ".aws",
    ".aws/credentials",
    ".azure",
    ".config/gcloud",
    "application_default_credentials.json",
    ".docker/config.json",
    ".kube/config",
    ".git-credentials",
    ".netrc",
    ".npmrc",
    ".pypirc",
    ".pgpass",
    ".ssh",
    "krb5.keytab",
];

/// Endings of names of files that hold keys.
const KEYS: [&str; 6] = ["key", "pem", "p12", "pfx", "jks", "keytab"];

/// Whether a mount holds secrets. A secret volume of Kubernetes is a read-only tmpfs wherever its owner wants it.
pub(super) fn is_secret(point: &str, fs_type: &str, read_only: bool) -> bool {
    let path = Path::new(point);
    let inside = |folder: &&str| path.starts_with(folder) && path != Path::new(*folder);
    let of_system = SYSTEM.iter().any(|folder| path.starts_with(folder));
    FOLDERS.iter().any(inside)
        || (fs_type == "tmpfs" && read_only && !of_system && point != "/")
        || is_credential(path)
}

fn is_credential(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    CREDENTIALS.iter().any(|end| path.ends_with(end))
        || path.parent().is_some_and(|folder| folder.ends_with(".ssh"))
        || extension.is_some_and(|extension| KEYS.contains(&extension))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(point: &str, fs_type: &str, read_only: bool, expected: bool) {
        assert_eq!(is_secret(point, fs_type, read_only), expected, "{point}");
    }

    #[test]
    fn mounts_of_tokens_and_secrets_are_secrets() {
        for point in [
            "/var/run/secrets/kubernetes.io/serviceaccount",
            "/run/secrets/kubernetes.io/serviceaccount",
            "/var/run/secrets/eks.amazonaws.com/serviceaccount",
            "/var/run/secrets/azure/tokens",
            "/run/credentials/backup.service",
        ] {
            check(point, "tmpfs", true, true);
        }
        check("/run/secrets/database_password", "ext4", false, true);
        check("/etc/app/tls", "tmpfs", true, true);
    }

    #[test]
    fn credential_files_that_are_mounted_are_secrets() {
        check("/srv/home/.aws/credentials", "ext4", false, true);
        check("/home/app/.kube/config", "ext4", true, true);
        check("/home/app/.ssh/id_ed25519", "ext4", true, true);
        check("/etc/tls/server.key", "ext4", true, true);
        check("/etc/krb5.keytab", "ext4", true, true);
    }

    #[test]
    fn what_every_container_has_is_no_secret() {
        check("/", "tmpfs", true, false);
        check("/dev/shm", "tmpfs", false, false);
        check("/proc/acpi", "tmpfs", true, false);
        check("/sys/firmware", "tmpfs", true, false);
        check("/run", "tmpfs", false, false);
        check("/run/secrets", "tmpfs", false, false);
        check("/tmp", "tmpfs", false, false);
        check("/etc/hosts", "ext4", false, false);
        check("/etc/resolv.conf", "ext4", true, false);
        check("/data", "ext4", true, false);
    }
}
