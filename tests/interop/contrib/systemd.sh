# Starts systemd on the machine, with no units but those of this directory and of
# /etc/systemd/system, and ends it with standard input.
set -e
home=$(dirname "$0")

# Its processes are in a group of their own.
mkdir /run/groups
mount -t cgroup2 groups /run/groups
group=/run/groups/$(basename "$home")
mkdir "$group"
# Nothing of the real system is started, nor made by a generator.
for directory in system system-generators; do
    mount -t tmpfs -o mode=755 units /usr/lib/systemd/$directory
done
for target in sysinit basic network-online shutdown; do
    printf '[Unit]\nDefaultDependencies=no\n' >/usr/lib/systemd/system/$target.target
done
cp "$home"/*.service "$home"/*.target /usr/lib/systemd/system

(
    echo 0 >"$group/cgroup.procs"
    exec unshare --mount --cgroup --pid --fork --kill-child --mount-proc sh -c '
        mount -t cgroup2 groups /sys/fs/cgroup
        # Private directories of services are made below these.
        mount -t tmpfs -o mode=1777 tmp /var/tmp
        mount --bind "$0/tmp" /tmp
        exec env -i container=tests /usr/lib/systemd/systemd --system \
            --unit=start.target --log-target=syslog --show-status=no' "$home"
) </dev/null &
cat
kill -KILL $!
wait || :
until find "$group" -depth -type d -exec rmdir {} + 2>/dev/null; do sleep 0.1; done
