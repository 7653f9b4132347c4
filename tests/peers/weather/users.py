"""Becomes $2 different users, one after the other and each in a process of its own, and then the first $3 of them again. The user
N makes the file by-N in the folder $1, and opens it the second time."""

import os
import sys

folder, count, again = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
FIRST = 100_000


def act(number):
    os.setuid(FIRST + number)
    os.close(os.open(f"{folder}/by-{FIRST + number}", os.O_WRONLY | os.O_CREAT, 0o600))


os.mkdir(folder)
os.chmod(folder, 0o777)
for number in [*range(count), *range(again)]:
    child = os.fork()
    if child == 0:
        try:
            act(number)
        finally:
            os._exit(0 if sys.exc_info()[0] is None else 1)
    if os.waitpid(child, 0)[1] != 0:
        sys.exit(f"user {number} failed")
