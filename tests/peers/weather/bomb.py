"""Forks as fast as it can until there were $1 processes, at most $2 at once by the control group's `pids.max`. Each process opens the file
`touched` once. Prints how many there were, and 1 where a fork was refused."""

import ctypes
import mmap
import os
import sys

processes, at_once = int(sys.argv[1]), int(sys.argv[2])


def controller():
    """Where the controller of process numbers is: version 2's, or that of version 1."""
    mounts = [line.split(" - ") for line in open("/proc/self/mountinfo")]
    places = {after.split()[0]: before.split()[4] for before, after in mounts if after.startswith("cgroup2")}
    for before, after in mounts:
        kind, _, options = after.split()[:3]
        if kind == "cgroup" and "pids" in options.split(","):
            return before.split()[4]
    top = places["cgroup2"]
    with open(f"{top}/cgroup.subtree_control", "w") as file:
        file.write("+pids")
    return top


PR_SET_CHILD_SUBREAPER = 36
if ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
    sys.exit("no subreaper")
group = f"{controller()}/whittle-weather-{os.getpid()}"
os.mkdir(group)
with open(f"{group}/pids.max", "w") as file:
    file.write(str(at_once))
home = os.open(os.path.dirname(group) + "/cgroup.procs", os.O_WRONLY)
with open(f"{group}/cgroup.procs", "w") as file:
    file.write(str(os.getpid()))

# Tickets: whoever draws one may fork once, and gives it back where that is refused.
tickets, more = os.pipe()
for start in range(0, processes, 4096):
    os.write(more, b"t" * min(4096, processes - start))
os.set_blocking(tickets, False)
refusals = mmap.mmap(-1, 1)
root = os.getpid()


def bomb():
    """Forks in this process, and in all that it starts, until there are no tickets. Who is refused makes room by ending."""
    while True:
        try:
            if not os.read(tickets, 1):
                return
        except BlockingIOError:
            return
        try:
            if os.fork() == 0:
                os.close(os.open("touched", os.O_RDONLY))
        except BlockingIOError:
            refusals[0] = 1
            os.write(more, b"t")
            if os.getpid() != root:
                return
            os.wait()


while True:
    bomb()
    if os.getpid() != root:
        os._exit(0)
    try:
        os.wait()
    except ChildProcessError:
        break
os.write(home, b"0")
os.rmdir(group)
print(processes, refusals[0])
