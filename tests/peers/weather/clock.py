"""Reads the file `before`, sets the clock back by an hour, reads the file `after` until $2 windows are in the folder $1, and sets the clock
right again."""

import os
import sys
import time

HOUR = 3600
folder, windows = f"{sys.argv[1]}/coverage", int(sys.argv[2])


def ended():
    return sum(name.endswith(".parquet") for _, _, names in os.walk(folder) for name in names)


def read(name):
    with open(name, "rb") as file:
        file.read()


read("before")
time.clock_settime(time.CLOCK_REALTIME, time.time() - HOUR)
count, until = 0, time.monotonic() + 300
while ended() < windows and time.monotonic() < until:
    read("after")
    count += 1
time.clock_settime(time.CLOCK_REALTIME, time.time() + HOUR)
print(count)
