//! The initramfs: busybox, the modules that lead to the disks, and `tests/vm/initramfs.sh`.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::kernel::Kernel;
use crate::{command, places};

/// What the guest needs and cloud kernels have as modules: disks, their file system, overlayfs for the
/// tests, and what strace asks for the addresses of sockets. Where a kernel has one built in, its module does not exist and is not missed.
const WANTED: [&str; 10] = [
    "virtio_pci",
    "virtio_blk",
    "crc32c_generic",
    "crc32c-intel",
    "ext4",
    "overlay",
    "af_packet",
    "tcp_diag",
    "udp_diag",
    "unix_diag",
];

/// Makes the initramfs of `kernel`, in the cache; it takes a second, so that nothing can be stale.
pub(crate) fn make(kernel: &Kernel) -> Result<PathBuf> {
    let staging = tempfile::tempdir().context("cannot make a temporary folder")?;
    let tree = staging.path();
    for folder in ["bin", "dev", "proc", "sys", "root", "modules"] {
        fs::create_dir(tree.join(folder))
            .with_context(|| format!("cannot make {folder} of the initramfs"))?;
    }
    let busybox = Path::new("/bin/busybox");
    ensure!(
        busybox.is_file(),
        "no /bin/busybox: install Debian's busybox-static"
    );
    fs::copy(busybox, tree.join("bin/busybox")).context("cannot copy busybox")?;
    symlink("busybox", tree.join("bin/sh")).context("cannot link sh to busybox")?;
    let init = tree.join("init");
    fs::copy(places::repository().join("tests/vm/initramfs.sh"), &init)
        .context("cannot copy initramfs.sh")?;
    fs::set_permissions(&init, fs::Permissions::from_mode(0o755))
        .context("cannot make init executable")?;
    let order = copy_modules(kernel, &tree.join("modules"))?;
    fs::write(tree.join("modules/order"), order.join("\n"))
        .context("cannot write the order of modules")?;
    let archive = places::cache("vm/initramfs")?.join(format!("{}.cpio", kernel.release));
    pack(tree, &archive)?;
    Ok(archive)
}

/// Copies the wanted modules and what they depend on; gives their names in the order of loading.
fn copy_modules(kernel: &Kernel, folder: &Path) -> Result<Vec<String>> {
    let dependencies = fs::read_to_string(kernel.modules.join("modules.dep"))
        .with_context(|| format!("{} has no modules.dep", kernel.modules.display()))?;
    let mut order: Vec<String> = Vec::new();
    for path in WANTED
        .iter()
        .flat_map(|wanted| with_dependencies(&dependencies, wanted))
    {
        let name = module_name(path).to_owned() + ".ko";
        if !order.contains(&name) {
            unpack_module(&kernel.modules.join(path), &folder.join(&name))?;
            order.push(name);
        }
    }
    Ok(order)
}

/// Paths of `module` and all it depends on, dependencies first. `modules.dep` lists them the other way round.
fn with_dependencies<'a>(dependencies: &'a str, module: &str) -> Vec<&'a str> {
    let lines = dependencies.lines().filter_map(|line| line.split_once(':'));
    let mut found = lines.filter(|(path, _)| module_name(path) == module);
    let Some((path, others)) = found.next() else {
        return Vec::new();
    };
    others.split_whitespace().rev().chain([path]).collect()
}

/// `virtio_blk` of `kernel/drivers/block/virtio_blk.ko.xz`.
fn module_name(path: &str) -> &str {
    let file = path.rsplit('/').next().unwrap_or(path);
    file.split('.').next().unwrap_or(file)
}

fn unpack_module(from: &Path, to: &Path) -> Result<()> {
    let decompressor = match from.extension().and_then(|extension| extension.to_str()) {
        Some("xz") => "xz",
        Some("zst") => "zstd",
        _ => {
            return fs::copy(from, to)
                .map(drop)
                .with_context(|| format!("cannot copy {}", from.display()));
        }
    };
    let file = fs::File::create(to).with_context(|| format!("cannot make {}", to.display()))?;
    command::run(
        Command::new(decompressor)
            .arg("-dcq")
            .arg(from)
            .stdout(file),
    )
}

fn pack(tree: &Path, archive: &Path) -> Result<()> {
    let file =
        fs::File::create(archive).with_context(|| format!("cannot make {}", archive.display()))?;
    let names = command::output(Command::new("find").arg(".").current_dir(tree))?;
    let mut cpio = Command::new("cpio")
        .args(["--quiet", "-o", "-H", "newc", "-R", "0:0"])
        .current_dir(tree)
        .stdin(Stdio::piped())
        .stdout(file)
        .spawn()
        .context("cannot start cpio; is it installed?")?;
    cpio.stdin
        .take()
        .context("cpio has no standard input")?
        .write_all(names.as_bytes())
        .context("cpio stopped reading")?;
    ensure!(
        cpio.wait().context("cpio is lost")?.success(),
        "cpio failed to make {}",
        archive.display()
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_comes_after_what_it_depends_on() {
        let dependencies = "kernel/a/virtio_pci.ko.xz: kernel/b/virtio_ring.ko.xz kernel/c/virtio.ko.xz\n\
                            kernel/c/virtio.ko.xz:\n";
        let order = with_dependencies(dependencies, "virtio_pci");
        assert_eq!(
            order,
            [
                "kernel/c/virtio.ko.xz",
                "kernel/b/virtio_ring.ko.xz",
                "kernel/a/virtio_pci.ko.xz"
            ]
        );
        assert_eq!(
            with_dependencies(dependencies, "virtio"),
            ["kernel/c/virtio.ko.xz"]
        );
    }

    #[test]
    fn a_module_that_is_built_in_is_not_missed() {
        assert!(with_dependencies("kernel/c/virtio.ko:\n", "ext4").is_empty());
    }
}
