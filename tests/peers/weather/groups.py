"""Makes $2 control groups one after the other, weather-N.service each, runs a process in it that makes the file by-N in the
folder $1, and removes it again."""

import os
import sys
import time

folder, count = sys.argv[1], int(sys.argv[2])


def unified():
    """Where control groups of version 2 are mounted."""
    for line in open("/proc/self/mountinfo"):
        before, after = line.split(" - ")
        if after.startswith("cgroup2 "):
            return before.split()[4]
    sys.exit("cgroup v2 is not mounted")


os.mkdir(folder)
top = f"{unified()}/whittle-weather-{os.getpid()}"
os.mkdir(top)
began = time.monotonic()
for number in range(count):
    group = f"{top}/weather-{number}.service"
    os.mkdir(group)
    child = os.fork()
    if child == 0:
        try:
            with open(f"{group}/cgroup.procs", "w") as file:
                file.write(str(os.getpid()))
            os.close(os.open(f"{folder}/by-{number}", os.O_WRONLY | os.O_CREAT, 0o600))
        finally:
            os._exit(0 if sys.exc_info()[0] is None else 1)
    if os.waitpid(child, 0)[1] != 0:
        sys.exit(f"the process in group {number} failed")
    os.rmdir(group)
os.rmdir(top)
print(round(count / (time.monotonic() - began)))
