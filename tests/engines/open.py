"""Opens many files, some often, with names that are long, alike, or no text; and some that are not there."""

import os

NAMES = 6_000

os.mkdir("files")
for number in range(NAMES):
    name = f"{number % 7}-{'long-' * (number % 40)}{number:06}"
    os.close(os.open(f"files/{name}", os.O_WRONLY | os.O_CREAT, 0o600))
    for _ in range(number % 3):
        os.close(os.open(f"files/{name}", os.O_RDONLY))
    if number % 500 == 0:
        os.close(os.open(b"files/caf\xe9\n\\" + str(number).encode(), os.O_WRONLY | os.O_CREAT, 0o600))
        try:
            os.open(f"files/missing-{number}", os.O_RDONLY)
        except FileNotFoundError:
            pass
