//! Table `subjects`: who acted, one row for each instance of a subject in each window.

use super::{
    column::{Nullable, Required},
    kind::{Bytes, Flag, List, Number, Text, Time},
    table,
};

table! {
    /// One instance of a subject (a container, a unit run or a process tree) in one window: who it is and what the kernel grants it.
    SubjectRow is "subjects" {
        /// Start of the window that the row belongs to.
        "window_start", window_start_us: i64 = Required<Time>;
        /// End of the window that the row belongs to.
        "window_end", window_end_us: i64 = Required<Time>;
        /// Name of the cluster, or of the place where `whittle record` ran.
        "cluster", cluster: String = Required<Text>;
        /// Name of the node.
        "node", node: String = Required<Text>;
        /// Identity of the subject: the same over restarts, pods and nodes.
        "subject_id", subject_id: String = Required<Text>;
        /// Path of the executable, escaped as `resource` of table `usage` is.
        "executable", executable: Vec<u8> = Required<Bytes>;
        /// Build id of the executable, in hex.
        "build_id", build_id: Option<String> = Nullable<Text>;
        /// What the executable interprets: a script's path, or `-m` and a module's name.
        "script", script: Option<Vec<u8>> = Nullable<Bytes>;
        /// User id that the processes ran as.
        "uid", uid: u32 = Required<Number<u32>>;
        /// Name of that user on the node.
        "user", user: Option<String> = Nullable<Text>;
        /// Kind of the workload, such as `Deployment` or `systemd`.
        "workload_kind", workload_kind: Option<String> = Nullable<Text>;
        /// Name of the workload.
        "workload_name", workload_name: Option<String> = Nullable<Text>;
        /// Namespace of the workload.
        "workload_namespace", workload_namespace: Option<String> = Nullable<Text>;
        /// Name of the container within the workload.
        "workload_container", workload_container: Option<String> = Nullable<Text>;
        /// Kubernetes service account.
        "service_account", service_account: Option<String> = Nullable<Text>;
        /// Container image by name.
        "image", image: Option<String> = Nullable<Text>;
        /// Container image by digest.
        "image_digest", image_digest: Option<String> = Nullable<Text>;
        /// Systemd unit.
        "systemd_unit", systemd_unit: Option<String> = Nullable<Text>;
        /// Ids of the batch or CI jobs that it ran for.
        "job_ids", job_ids: Option<Vec<String>> = Nullable<List>;
        /// SPIFFE ID.
        "spiffe_id", spiffe_id: Option<String> = Nullable<Text>;
        /// Cloud and Kubernetes identities that it acted as.
        "principals", principals: Option<Vec<String>> = Nullable<List>;
        /// Environment, such as `production`, as its owners name it.
        "environment", environment: Option<String> = Nullable<Text>;
        /// Who owns it, as its owners name it.
        "owner", owner: Option<String> = Nullable<Text>;
        /// Identity of this instance.
        "instance_id", instance_id: String = Required<Text>;
        /// Container id.
        "container_id", container_id: Option<String> = Nullable<Text>;
        /// Path of its cgroup.
        "cgroup", cgroup: Option<String> = Nullable<Text>;
        /// Process id of the instance's first process, which with `start_time` tells it apart.
        "tgid", tgid: u32 = Required<Number<u32>>;
        /// When that process started.
        "start_time", start_time_us: i64 = Required<Time>;
        /// Process id of the parent of that process.
        "parent_tgid", parent_tgid: Option<u32> = Nullable<Number<u32>>;
        /// When the instance was seen first in the window.
        "first_seen", first_seen_us: i64 = Required<Time>;
        /// When the instance was seen last in the window.
        "last_seen", last_seen_us: i64 = Required<Time>;
        /// Effective capabilities, one bit each.
        "cap_effective", cap_effective: Option<u64> = Nullable<Number<u64>>;
        /// Permitted capabilities, one bit each.
        "cap_permitted", cap_permitted: Option<u64> = Nullable<Number<u64>>;
        /// Inheritable capabilities, one bit each.
        "cap_inheritable", cap_inheritable: Option<u64> = Nullable<Number<u64>>;
        /// Capability bounding set, one bit each.
        "cap_bounding", cap_bounding: Option<u64> = Nullable<Number<u64>>;
        /// Ambient capabilities, one bit each.
        "cap_ambient", cap_ambient: Option<u64> = Nullable<Number<u64>>;
        /// Seccomp mode: 0 off, 1 strict, 2 filter.
        "seccomp_mode", seccomp_mode: Option<u32> = Nullable<Number<u32>>;
        /// Whether it gave up gaining privileges by exec (`PR_SET_NO_NEW_PRIVS`).
        "no_new_privs", no_new_privs: Option<bool> = Nullable<Flag>;
        /// What is mounted where it runs, each as `MOUNTPOINT FSTYPE ro|rw`; the same for all instances of one `mount_ns`
        /// that started together. Null where the process had ended before it could be read.
        "mounts", mounts: Option<Vec<String>> = Nullable<List>;
        /// Mount points of these that hold secrets: service account tokens, secret volumes, credential files.
        "secrets_mounted", secrets_mounted: Option<Vec<String>> = Nullable<List>;
        /// Inode number of its mount namespace, as `/proc/PID/ns/mnt` shows it.
        "mount_ns", mount_ns: Option<u32> = Nullable<Number<u32>>;
    }
}
