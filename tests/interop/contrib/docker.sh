# In place of docker, for commands that build an image and run it as $user. The machine
# becomes the base image: it has PHP, and neither envoi nor a sendmail. What the
# instructions of $dockerfile do is in the file $steps.
set -e
# An instruction that is wrong changes nothing of the real one.
mount --bind /usr /usr
mount -o remount,bind,ro /usr
for directory in /usr/local /usr/sbin; do
    mount -t tmpfs -o mode=755 image $directory
done
mkdir /usr/local/bin

docker() {
    "docker_$1" "$@"
}

# build -f DOCKERFILE -t IMAGE .
docker_build() {
    [ "$dockerfile" -ef "$source/$3" ]
    image=$5
    . "$steps"
}

# run --rm (-e NAME=VALUE | -v FROM:TO:ro)... IMAGE COMMAND...
docker_run() {
    shift 2
    while [ "$1" != "$image" ]; do
        case $1 in
        -e) export "$2" ;;
        -v)
            from=${2%%:*} to=${2#*:}
            to=${to%:ro}
            mkdir -p "${to%/*}"
            : >"$to"
            mount --bind -o ro "$from" "$to"
            ;;
        esac
        shift 2
    done
    shift
    exec setpriv --reuid "$user" --regid "$(id -g "$user")" --init-groups "$@"
}
