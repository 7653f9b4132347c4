#!/bin/sh
# Init of the guest: mounts what a machine has, runs the list that the kernel's command line names, says how it ended, and switches off.
export PATH=/payload/tests:/payload:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export HOME=/root LANG=C.UTF-8 TERM=dumb
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t securityfs securityfs /sys/kernel/security
mount -t tracefs tracefs /sys/kernel/tracing
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t bpf bpf /sys/fs/bpf
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs -o mode=1777 tmpfs /tmp
mount -t tmpfs -o mode=755 tmpfs /run
[ -e /dev/fd ] || ln -s /proc/self/fd /dev/fd
hostname whittle-vm
echo '127.0.0.1 localhost whittle-vm' >/etc/hosts
ip link set lo up
ulimit -l unlimited

. /payload/environment
cd /root
failed=0
while IFS= read -r command <&3; do
    case "$command" in '' | '#'*) continue ;; esac
    echo "whittle-vm: $command"
    sh -c "$command" </dev/null 3<&- || { status=$?; failed=$((failed + 1)); echo "whittle-vm: exit status $status: $command"; }
done 3<"/payload/${whittle_list:-run.list}"
# On a line of its own, even where the last command left one unfinished.
printf '\nwhittle-vm: %s failed, guest up for %s s\n' "$failed" "$(cut -d' ' -f1 /proc/uptime)"
sync
echo o >/proc/sysrq-trigger
while :; do sleep 1; done
