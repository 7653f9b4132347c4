#!/bin/busybox sh
# First process of the guest: loads what it takes to see the disks, and hands over to the second one's init.
/bin/busybox --install -s /bin
mount -t proc none /proc
mount -t devtmpfs none /dev
for module in $(cat /modules/order); do
    insmod "/modules/$module" || echo "whittle-vm: module $module does not load"
done
until [ -b /dev/vda ] && [ -b /dev/vdb ]; do
    [ "$((tries = tries + 1))" -gt 50 ] && echo "whittle-vm: the disks do not appear" && poweroff -f
    usleep 100000
done
mount -t ext4 /dev/vda /root
mount -t ext4 -o ro /dev/vdb /root/payload
mount --move /dev /root/dev
umount /proc
exec switch_root /root /payload/init
