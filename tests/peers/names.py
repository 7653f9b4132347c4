"""Opens files with names that are hard to carry, and writes what it opened to names.txt: a label, the
action, and the name in hex, as the kernel shows it at /proc/self/fd."""

import os
import shutil
import subprocess

names = open("names.txt", "w", buffering=1)
here = os.getcwdb()


def opened(label, action, descriptor, name=None):
    if name is None:
        name = os.readlink(b"/proc/self/fd/%d" % descriptor)
        own = b"/proc/%d/" % os.getpid()
        if name.startswith(own):
            name = b"/proc/self/" + name[len(own):]
        if name.startswith(b"/memfd:"):
            name = name[1:]
    print(label, action, name.hex(), file=names)
    os.close(descriptor)


def create(label, name):
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    opened(label, "write+create", os.open(name, flags, 0o600), here + b"/" + name)


create("space", b"two  words ")
create("newline", b"line\nbreak\r\ttab")
create("not-utf8", b"caf\xe9\xff\xfe")
create("utf8", "unicode-ü-\u202egnp".encode())
create("escape", b"\x1b[31mred\\x41\\")
create("quote", b"'\"`$(id);|<>*?{}")
create("longest-component", b"c" * 255)
create("deleted-looking", b"file (deleted)")
create("dots", b"...")


def deep(label, parts):
    """Makes a file below all of these folders, which are entered one by one."""
    top = os.open(".", os.O_PATH)
    for part in parts[:-1]:
        os.mkdir(part)
        os.chdir(part)
    opened(
        label,
        "write+create",
        os.open(parts[-1], os.O_WRONLY | os.O_CREAT, 0o600),
        here + b"/" + b"/".join(parts),
    )
    os.fchdir(top)
    os.close(top)


above = here.count(b"/")
deep("250-components", [b"d%d" % n for n in range(250 - above)])

# 4,095 bytes is the longest path that a program can ask for: PATH_MAX without its NUL.
parts = [b"%03d" % n + b"p" * 197 for n in range(19)]
missing = 4095 - len(here) - 1 - len(b"/".join(parts)) - 1
parts += [b"r" * (missing // 2), b"s" * (missing - missing // 2 - 1)] if missing > 255 else [b"s" * missing]
deep("4095-bytes", parts)
longest = here + b"/" + b"/".join(parts)
assert len(longest) == 4095, len(longest)
opened("4095-bytes-asked", "read", os.open(longest, os.O_RDONLY), longest)

# What could be taken for the same file: one inode under one name in two folders, at once and one after
# the other, and one file whose folder is renamed.
for folder in ("one", "two", "three", "four", "five"):
    os.mkdir(folder)
create("hard-link-first", b"one/same")
os.link("one/same", "two/same")
opened("hard-link-second", "write", os.open("two/same", os.O_WRONLY))
create("reused-inode-first", b"three/same")
os.unlink("three/same")
create("reused-inode-second", b"four/same")
create("folder-before", b"five/same")
opened("folder-before-read", "read", os.open("five/same", os.O_RDONLY))
os.rename("five", "six")
opened("folder-after-read", "read", os.open("six/same", os.O_RDONLY))
# What is in it, and was not opened yet: by its own folder, by one above it that is renamed, and where another folder has taken its name.
create("folder-after-other", b"six/other")
os.makedirs("seven/in")
create("above-before", b"seven/in/one")
os.rename("seven", "eight")
create("above-after", b"eight/in/two")
os.makedirs("seven/in")
create("above-another", b"seven/in/two")

removed = os.open("removed", os.O_WRONLY | os.O_CREAT, 0o600)
os.unlink("removed")
opened("deleted", "read", os.open("/proc/self/fd/%d" % removed, os.O_RDONLY))
memory = os.memfd_create("in memory")
opened("memfd", "read+write", os.open("/proc/self/fd/%d" % memory, os.O_RDWR))
reader, writer = os.pipe()
opened("pipe", "read", os.open("/proc/self/fd/%d" % reader, os.O_RDONLY))
opened("proc-self", "read", os.open("/proc/self/status", os.O_RDONLY))
opened("proc-self-folder", "read", os.open("/proc/self/fdinfo", os.O_RDONLY))
opened("null", "read+write", os.open("/dev/null", os.O_RDWR))
opened("root", "read", os.open("/", os.O_RDONLY))

# This program has a mount namespace of its own.
for folder in ("low", "up", "work", "merged", "bound", "tmpfs", "tmpfs/inner"):
    if folder == "tmpfs/inner":
        subprocess.run(["mount", "-t", "tmpfs", "none", "tmpfs"], check=True)
    os.mkdir(folder)
open("low/below", "w").close()
layers = "lowerdir=low,upperdir=up,workdir=work"
subprocess.run(["mount", "-t", "overlay", "overlay", "-o", layers, "merged"], check=True)
subprocess.run(["mount", "--bind", "low", "bound"], check=True)
opened("overlay-lower", "read", os.open("merged/below", os.O_RDONLY))
opened("overlay-copied-up", "write", os.open("merged/below", os.O_WRONLY))
opened("overlay-upper", "write+create", os.open("merged/above", os.O_WRONLY | os.O_CREAT, 0o600))
opened("bind-mount", "read", os.open("bound/below", os.O_RDONLY))
opened("nested-mount", "write+create", os.open("tmpfs/inner/file", os.O_WRONLY | os.O_CREAT, 0o600))

def attempted(label, action, name):
    print(label, action, name.hex(), file=names)


# One file system at one place after the other: what the kernel knows of a mount may be where that of before was.
shutil.copy("/usr/bin/true", "low/true")
for place in range(20):
    open("low/%d" % place, "w").close()
    os.mkdir("place-%d" % place)
    subprocess.run(["mount", "--bind", "low", "place-%d" % place], check=True)
    opened("place-%d" % place, "read", os.open("place-%d/%d" % (place, place), os.O_RDONLY))
    opened("place-again-%d" % place, "read", os.open("place-%d/below" % place, os.O_RDONLY))
    subprocess.run(["place-%d/true" % place], check=True)
    attempted("place-run-%d" % place, "execute", here + b"/place-%d/true" % place)
    os.chdir("place-%d" % place)
    try:
        os.open("missing", os.O_RDONLY)
    except FileNotFoundError:
        attempted("place-missing-%d" % place, "read", here + b"/place-%d/missing" % place)
    os.chdir(here)
    subprocess.run(["umount", "place-%d" % place], check=True)
os.mkdir("moved")
subprocess.run(["mount", "-t", "tmpfs", "none", "moved"], check=True)
create("mount-before", b"moved/one")
os.mkdir("moved-to")
subprocess.run(["mount", "--move", "moved", "moved-to"], check=True)
create("mount-after", b"moved-to/two")

opened("outside-of-chroot", "read", os.open("tmpfs/inner/file", os.O_RDONLY))


def in_root(root, label, path, name, folder=None):
    """Opens a file, below a folder that was opened before or the root, in a process with a root of its own: which has no /proc."""
    child = os.fork()
    if child == 0:
        os.chroot(root)
        os.chdir("/")
        opened(label, "read", os.open(name, os.O_RDONLY, dir_fd=folder), path)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0


in_root("tmpfs", "inside-of-chroot", b"/inner/file", "inner/file")
create("beside-the-first", b"tmpfs/inner/other")
in_root("tmpfs", "inside-of-chroot-another", b"/inner/other", "inner/other")
# A root in the middle of a mount, and a process that still holds a folder outside of it.
os.makedirs("jail/cell")
os.mkdir("jailed")
create("middle-of-mount", b"jail/cell/file")
create("beside-the-root", b"jailed/file")
in_root("jail", "inside-of-chroot-in-a-mount", b"/cell/file", "cell/file")
in_root("jail", "outside-of-chroot-in-a-mount", here + b"/jailed/file", "file", os.open("jailed", os.O_PATH))
