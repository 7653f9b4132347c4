"""$2 processes that take each other's CPU, the only one that they have. In each of $3 turns, one that has the number N opens the file `of-N` of
folder $1, sends to port 20,000 + N, gives the file to another user, and makes and removes the folder `of-N-folder`. Once in fifty turns it
runs `true`."""

import os
import shutil
import socket
import sys

folder, processes, turns = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
os.chdir(folder)
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
true = shutil.which("true")


def take(number):
    file = f"of-{number}"
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for turn in range(turns):
        os.close(os.open(file, os.O_RDONLY))
        sender.sendto(b"", ("127.0.0.1", 20_000 + number))
        os.chown(file, 1 + turn % 2, -1)
        os.mkdir(f"{file}-folder")
        os.rmdir(f"{file}-folder")
        if turn % 50 == 0:
            if os.fork() == 0:
                os.execv(true, ["true"])
            os.wait()


for number in range(processes):
    if os.fork() == 0:
        take(number)
        os._exit(0)
for _ in range(processes):
    os.wait()
print(os.path.realpath(true))
