//! What the host's security modules (LSMs) and its limits have to do with checks of capabilities.

use std::fs;

use super::hooks::Modules;

/// How they ask for capabilities. Most ask as the kernel does, by `security_capable`. `SELinux` (`has_cap_mac_admin`) and Smack
/// (`smack_privileged_cred`) call `cap_capable` themselves (5.10 to 7.3).
pub(super) fn modules() -> Modules {
    // Where it is not known, what sees all of it.
    fs::read_to_string(FILE_SYSTEMS).map_or(Modules::AskThemselves, |list| modules_by(&list))
}

/// Each that is on has a file system of its own.
const FILE_SYSTEMS: &str = "/proc/filesystems";

fn modules_by(file_systems: &str) -> Modules {
    let mut names = file_systems
        .lines()
        .filter_map(|line| line.split_whitespace().last());
    if names.any(|name| matches!(name, "selinuxfs" | "smackfs")) {
        Modules::AskThemselves
    } else {
        Modules::AskLikeAll
    }
}

/// First address at which memory may be mapped without `CAP_SYS_RAWIO`: `dac_mmap_min_addr` of `security/min_addr.c`.
pub(super) fn lowest_address() -> u32 {
    let limit = fs::read_to_string("/proc/sys/vm/mmap_min_addr").ok();
    let limit = limit.and_then(|text| text.trim().parse::<u32>().ok());
    limit.unwrap_or(USUAL_LOWEST).min(i32::MAX.cast_unsigned())
}

/// What distributions set.
const USUAL_LOWEST: u32 = 65_536;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_that_asks_by_itself_is_known_by_its_file_system() {
        let plain = "nodev\tsysfs\nnodev\tsecurityfs\n\text4\n";
        assert_eq!(modules_by(plain), Modules::AskLikeAll);
        let selinux = format!("{plain}nodev\tselinuxfs\n");
        assert_eq!(modules_by(&selinux), Modules::AskThemselves);
        assert_eq!(modules_by("nodev\tsmackfs"), Modules::AskThemselves);
    }
}
