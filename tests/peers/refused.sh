# Is refused for each of the reasons that there are: EROFS, EACCES, EPERM. $1 is a user id without rights.
set -u
mkdir sealed locked
mount -t tmpfs -o ro none sealed
echo x 2>/dev/null >sealed/new && exit 1
echo secret >locked/file
chmod 600 locked/file
echo 'echo not executable' >script
./script 2>/dev/null && exit 1
exec python3 - "$1" <<'END'
import errno
import os
import sys

os.setgroups([])
os.setgid(int(sys.argv[1]))
os.setuid(int(sys.argv[1]))


def refused(error, call, *arguments):
    try:
        call(*arguments)
    except OSError as found:
        assert found.errno == error, found
    else:
        sys.exit(f"{arguments} was let through")


refused(errno.EACCES, os.open, "locked/file", os.O_RDONLY)
refused(errno.EACCES, os.open, os.path.abspath("locked/../locked/file"), os.O_RDWR | os.O_APPEND)
refused(errno.EACCES, os.open, "/etc/new", os.O_WRONLY | os.O_CREAT, 0o600)
refused(errno.EPERM, os.open, "/etc/passwd", os.O_RDONLY | os.O_NOATIME)
refused(errno.EACCES, os.execv, "./locked/file", ["file"])
refused(errno.EACCES, os.execv, "/etc/passwd", ["passwd"])
folder = os.open("locked", os.O_PATH)
for _ in range(3):
    try:
        os.open("file", os.O_WRONLY | os.O_TRUNC, dir_fd=folder)
    except PermissionError:
        continue
    sys.exit("a folder's descriptor gave a right that the user does not have")
END
