"""Walks through the folder $1, reads every file below it, and says how many there were."""

import os
import sys

count = 0
for folder, _, names in os.walk(sys.argv[1]):
    for name in names:
        with open(os.path.join(folder, name), "rb") as file:
            file.read()
        count += 1
print(count)
