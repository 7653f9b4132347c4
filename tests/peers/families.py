"""Runs commands one after the other, each with its output in a file by its number; each has to end with its own status. Gets them as
JSON: a list of [status, command]."""

import json
import subprocess
import sys

for number, (status, command) in enumerate(json.loads(sys.argv[1])):
    with open(f"{number}.out", "w") as out:
        ended = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=out).returncode
    if ended != status:
        sys.exit(f"{command} ended with {ended} and not {status}")
