"""Opens $2 different files in folder $1, and then one of them $3 times."""

import os
import sys

folder, different, again = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
os.mkdir(folder)
for number in range(different):
    os.close(os.open(f"{folder}/{number}", os.O_WRONLY | os.O_CREAT, 0o600))
for _ in range(again):
    os.close(os.open(f"{folder}/0", os.O_RDONLY))
