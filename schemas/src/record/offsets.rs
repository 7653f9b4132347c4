//! Offsets of the kernel's struct members, and values of enumerations that changed: named here once, read from the host's BTF at
//! load, and written into the probes' instructions (`immediate`).

/// One member whose offset the probes need, or one enumerator whose value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// The kernel's struct, such as `task_struct`, or enumeration.
    pub structure: &'static str,
    /// Members from the struct down, separated by dots. Anonymous structs and unions are left out.
    pub path: &'static str,
    /// Older names of the same member, tried in turn where `path` is missing.
    pub older: &'static [&'static str],
}

macro_rules! offsets {
    ($($name:ident = $structure:literal . $path:literal $(or $older:literal)*;)*) => {
        /// The members by name, in the order of [`MEMBERS`]: where a field is says which index it has there.
        #[derive(Clone, Copy, Debug)]
        #[repr(C)]
        pub struct Offsets {
            $(
                #[doc = concat!("Offset of `", $structure, ".", $path, "`.")]
                pub $name: u32,
            )*
        }

        /// The members behind [`Offsets`], in the same order.
        pub const MEMBERS: &[Member] = &[
            $(Member { structure: $structure, path: $path, older: &[$($older),*] },)*
        ];
    };
}

offsets! {
    task_files = "task_struct"."files";
    task_fs = "task_struct"."fs";
    task_mm = "task_struct"."mm";
    task_tgid = "task_struct"."tgid";
    task_real_parent = "task_struct"."real_parent";
    task_group_leader = "task_struct"."group_leader";
    task_start_boottime = "task_struct"."start_boottime";
    task_signal = "task_struct"."signal";
    task_cred = "task_struct"."cred";
    task_real_cred = "task_struct"."real_cred";
    task_nsproxy = "task_struct"."nsproxy";
    task_atomic_flags = "task_struct"."atomic_flags";
    task_seccomp_mode = "task_struct"."seccomp.mode";
    task_thread_status = "task_struct"."thread_info.status";
    task_flags = "task_struct"."flags";
    task_stack = "task_struct"."stack";
    signal_live = "signal_struct"."live.counter";
    cred_effective = "cred"."cap_effective";
    cred_permitted = "cred"."cap_permitted";
    cred_inheritable = "cred"."cap_inheritable";
    cred_bounding = "cred"."cap_bset";
    cred_ambient = "cred"."cap_ambient";
    cred_uid = "cred"."uid.val";
    siginfo_code = "kernel_siginfo"."si_code";
    cred_user_ns = "cred"."user_ns";
    user_ns_level = "user_namespace"."level";
    nsproxy_mnt_ns = "nsproxy"."mnt_ns";
    mnt_ns_inum = "mnt_namespace"."ns.inum";
    mnt_ns_event = "mnt_namespace"."event";
    files_fdt = "files_struct"."fdt";
    fdtable_fd = "fdtable"."fd";
    fdtable_max_fds = "fdtable"."max_fds";
    fs_root_dentry = "fs_struct"."root.dentry";
    fs_root_mnt = "fs_struct"."root.mnt";
    fs_pwd_dentry = "fs_struct"."pwd.dentry";
    fs_pwd_mnt = "fs_struct"."pwd.mnt";
    file_path_dentry = "file"."f_path.dentry";
    file_path_mnt = "file"."f_path.mnt";
    file_inode = "file"."f_inode";
    file_mode = "file"."f_mode";
    file_private_data = "file"."private_data";
    inode_ino = "inode"."i_ino";
    inode_generation = "inode"."i_generation";
    inode_mode = "inode"."i_mode";
    inode_sb = "inode"."i_sb";
    sb_dev = "super_block"."s_dev";
    sb_magic = "super_block"."s_magic";
    dentry_parent = "dentry"."d_parent";
    dentry_name = "dentry"."d_name.name";
    dentry_name_hash = "dentry"."d_name.hash";
    dentry_name_len = "dentry"."d_name.len";
    dentry_short_name = "dentry"."d_shortname" or "d_iname";
    dentry_inode = "dentry"."d_inode";
    dentry_hash_pprev = "dentry"."d_hash.pprev";
    vfsmount_root = "vfsmount"."mnt_root";
    mount_mnt = "mount"."mnt";
    mount_parent = "mount"."mnt_parent";
    mount_mountpoint = "mount"."mnt_mountpoint";
    mount_ns = "mount"."mnt_ns";
    mm_exe_file = "mm_struct"."exe_file";
    mm_arg_start = "mm_struct"."arg_start";
    mm_arg_end = "mm_struct"."arg_end";
    bprm_filename = "linux_binprm"."filename";
    bprm_interp = "linux_binprm"."interp";
    socket_sk = "socket"."sk";
    socket_type = "socket"."type";
    socket_file = "socket"."file";
    sock_socket = "sock"."sk_socket";
    sock_protocol = "sock"."sk_protocol";
    sock_state = "sock"."__sk_common.skc_state";
    sock_err = "sock"."sk_err";
    sock_family = "sock"."__sk_common.skc_family";
    sock_rcv_saddr = "sock"."__sk_common.skc_rcv_saddr";
    sock_num = "sock"."__sk_common.skc_num";
    sock_v6_rcv_saddr = "sock"."__sk_common.skc_v6_rcv_saddr";
    sock_peer_port = "sock"."__sk_common.skc_dport";
    sock_peer = "sock"."__sk_common.skc_daddr";
    sock_v6_peer = "sock"."__sk_common.skc_v6_daddr";
    tcp_bytes_sent = "tcp_sock"."bytes_sent";
    tcp_bytes_resent = "tcp_sock"."bytes_retrans";
    tcp_bytes_received = "tcp_sock"."bytes_received";
    unix_addr = "unix_sock"."addr";
    unix_address_len = "unix_address"."len";
    unix_address_name = "unix_address"."name";
    regs_di = "pt_regs"."di";
    regs_si = "pt_regs"."si";
    regs_dx = "pt_regs"."dx";
    regs_cx = "pt_regs"."cx";
    regs_ax = "pt_regs"."ax";
    regs_r10 = "pt_regs"."r10";
    regs_r8 = "pt_regs"."r8";
    regs_r9 = "pt_regs"."r9";
    regs_orig_ax = "pt_regs"."orig_ax";
    open_flags_flag = "open_flags"."open_flag";
    filename_name = "filename"."name";
    msghdr_name = "msghdr"."msg_name";
    msghdr_name_len = "msghdr"."msg_namelen";
    msghdr_iter = "msghdr"."msg_iter";
    msghdr_iter_type = "msghdr"."msg_iter.iter_type" or "msg_iter.type";
    iter_type = "iov_iter"."iter_type" or "type";
    iter_offset = "iov_iter"."iov_offset";
    iter_vector = "iov_iter"."__iov" or "iov";
    iter_iovec = "iter_type"."ITER_IOVEC";
    iter_ubuf = "iter_type"."ITER_UBUF";
}

const _: () = assert!(size_of::<Offsets>() == MEMBERS.len() * 4);
