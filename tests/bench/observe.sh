#!/bin/sh
# In the guest: `observe.sh OBSERVER COMMAND…` runs the command while the observer watches it, and ends the observer.
# Each observer is asked for what whittle records of the same operations: opens, execs, connects and datagrams.
# What came of whittle's windows is printed, too.
set -eu
observer=$1
shift
whittle="/payload/whittle record --format none --window ${WINDOW:-10} --out /tmp/recorded"
export NO_COLOR=1 WHITTLE_LOG=whittle_agent::pipeline::rows=debug
exec 3>&2 2>/tmp/said
trap '[ $? = 0 ] || cat /tmp/said >&3' EXIT
calls=open,openat,openat2,creat,execve,execveat,connect,sendto,sendmsg
case $observer in
nobody) "$@" ;;
whittle) $whittle -- "$@" ;;
whittle-syscalls) $whittle --syscalls -- "$@" ;;
whittle-backend-syscall) $whittle --backend syscall -- "$@" ;;
whittle-another)
    # Watches a process that waits, until the command is done.
    mkfifo /tmp/started /tmp/hold
    $whittle -- sh -c 'echo >/tmp/started; read -r line </tmp/hold' &
    read -r line </tmp/started
    "$@"
    echo >/tmp/hold
    wait
    rm /tmp/started /tmp/hold
    ;;
empty)
    open=do_filp_open
    if grep -q ' do_file_open$' /proc/kallsyms; then open=do_file_open; fi
    sed "s/OPEN/$open/" /payload/empty.bt >/tmp/empty.bt
    bpftrace -o /tmp/bpftrace.out -c "$*" /tmp/empty.bt
    ;;
count | stream) bpftrace -o /tmp/bpftrace.out -c "$*" "/payload/$observer.bt" ;;
strace) strace --follow-forks --trace=$calls --output=/tmp/strace.out "$@" ;;
auditd)
    auditd
    auditctl -a always,exit -F arch=b64 -S $calls >/tmp/auditctl.out
    "$@"
    auditctl -D >/tmp/auditctl.out
    daemon=$(cat /run/auditd.pid)
    kill "$daemon"
    while [ -e "/proc/$daemon" ]; do sleep 0.1; done
    ;;
*) echo "no observer $observer" >&2; exit 2 ;;
esac
# What takes whittle's probes off after its end: until then they cost something.
while cat /proc/[0-9]*/comm 2>/dev/null | grep -qx whittle-detach; do sleep 0.1; done
sed -n "s/.* window ring=/whittle-window $observer $2 ring=/p" /tmp/said
rm -rf /tmp/recorded /tmp/bpftrace.out /tmp/strace.out /tmp/auditctl.out
