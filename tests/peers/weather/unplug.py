"""Takes the second CPU away and gives it back $1 times, while two processes open a file of their own each, as fast as they can. Prints
how often each of them did."""

import os
import sys
import time

times = int(sys.argv[1])
ONLINE = "/sys/devices/system/cpu/cpu1/online"


def switch(on):
    with open(ONLINE, "w") as file:
        file.write(str(on))


def work(name, uid, end, result):
    os.setuid(uid)
    count = 0
    while not os.path.exists(end):
        for _ in range(100):
            os.close(os.open(name, os.O_RDONLY))
        count += 100
    os.write(result, b"%d %d\n" % (uid, count))


results, result = os.pipe()
for worker in range(2):
    if os.fork() == 0:
        work(f"of-{100 + worker}", 100 + worker, "end", result)
        os._exit(0)
for _ in range(times):
    time.sleep(1)
    switch(0)
    time.sleep(1)
    switch(1)
open("end", "w").close()
for _ in range(2):
    if os.wait()[1] != 0:
        sys.exit("a worker failed")
os.write(1, os.read(results, 4096))
