#!/bin/sh
# Runs a command on a machine of its own, as far as a program that sends mail can
# tell: with these users, these aliases, no other jobs, and this sendmail.
# Nothing of the real /etc, /root, /run, /usr/local, /var/log and
# /var/spool/cron is changed.
#
# usage: unshare --mount --uts --pid --fork --kill-child \
#            sh enter.sh HOME SENDMAIL USER COMMAND...
#
# HOME/etc lies over a copy of the real one, HOME/users and HOME/shadow are added
# to it, HOME/root and HOME/run stand in the place of theirs. Everything is undone
# with the namespace.
set -e
home=$1 sendmail=$2 user=$3
shift 3

hostname box

mount --bind "$sendmail" /usr/sbin/sendmail
# Most often a link to the other.
[ /usr/lib/sendmail -ef /usr/sbin/sendmail ] || mount --bind "$sendmail" /usr/lib/sendmail

# What an administrator installs is there, or not: only envoi is.
mount -t tmpfs -o mode=755 local /usr/local
mkdir /usr/local/bin
: >/usr/local/bin/envoi
mount --bind /usr/sbin/sendmail /usr/local/bin/envoi

# In memory, for what only root may read is copied along.
mount -t tmpfs -o mode=755 etc "$home/place"
cp -a /etc/. "$home/place"
rm -rf "$home/place/cron.d" "$home/place/crontab" "$home/place/aliases" "$home/place/envoi"
mkdir "$home/place/cron.d"
cat "$home/users" >>"$home/place/passwd"
cat "$home/shadow" >>"$home/place/shadow"
cp -R "$home/etc/." "$home/place"
mount --move "$home/place" /etc

mount --bind "$home/run" /run
mount --bind "$home/root" /root
mount -t tmpfs -o mode=755 log /var/log

# As the packages of cron and at make it.
mount -t tmpfs -o mode=755 cron /var/spool/cron
install -d -m 1730 -g crontab /var/spool/cron/crontabs
install -d -m 1770 -o daemon -g daemon /var/spool/cron/atjobs /var/spool/cron/atspool
install -m 600 -o daemon -g daemon /dev/null /var/spool/cron/atjobs/.SEQ

# The log of the system is a socket that the tests listen at.
mount -t tmpfs -o mode=755 dev "$home/place"
for device in null zero full random urandom tty; do
    : >"$home/place/$device"
    mount --bind "/dev/$device" "$home/place/$device"
done
for directory in pts shm; do
    mkdir "$home/place/$directory"
    mount --bind "/dev/$directory" "$home/place/$directory"
done
ln -s pts/ptmx "$home/place/ptmx"
ln -s /proc/self/fd "$home/place/fd"
ln -s /run/log "$home/place/log"
mount --move "$home/place" /dev

cd "$HOME"
exec setpriv --reuid "$user" --regid "$(id -g "$user")" --init-groups "$@"
