# What tests/src/bin/capture.rs records, in a new /tmp/whittle-capture. Accesses of every kind that the probes tell apart;
# what they come to is written by hand in tests/tests/replay.rs.
read -r watched
cat input >copy
cat input >>copy
cat input >/dev/null
cat missing
./input
echo x >/sys/kernel/refused
/usr/bin/env -i python3 -I -S job.py
/usr/bin/env -i python3 -I -S -m keyword
/usr/bin/unshare --uts /usr/bin/true
