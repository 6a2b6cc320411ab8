#!/bin/sh
# Runs a command as a user of a machine of its own: with this configuration, and a
# spool and homes that stay from one command to the next.
#
# usage: unshare --mount --pid --fork --kill-child sh enter.sh DIR ENVOI USER COMMAND...
#
# DIR/envoi stands in the place of /etc/envoi, DIR/spool of /var/spool, DIR/home and
# DIR/root of the homes. Everything is undone with the namespace.
set -e
dir=$1 envoi=$2 user=$3
shift 3

mount -t tmpfs -o mode=755 etc "$dir/place"
cp -a /etc/. "$dir/place"
rm -rf "$dir/place/envoi" "$dir/place/aliases" "$dir/place/mailname"
mkdir "$dir/place/envoi"
: >"$dir/place/aliases"
echo box.example.org >"$dir/place/mailname"
echo 'alice:x:2001:2001::/home/alice:/bin/sh' >>"$dir/place/passwd"
echo 'bob:x:2002:2002::/home/bob:/bin/sh' >>"$dir/place/passwd"
mount --move "$dir/place" /etc
mount --bind "$dir/envoi" /etc/envoi
mount --bind "$dir/spool" /var/spool
mount --bind "$dir/home" /home
mount --bind "$dir/root" /root

mount -t tmpfs -o mode=755 local /usr/local
mkdir /usr/local/bin
: >/usr/local/bin/envoi
mount --bind "$envoi" /usr/local/bin/envoi
ln -s envoi /usr/local/bin/sendmail

export PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
case $user in
root) number=0 HOME=/root ;;
*) number=$(id -u "$user") HOME=/home/$user ;;
esac
export HOME
cd "$HOME"
exec setpriv --reuid "$number" --regid "$number" --clear-groups "$@"
