# Has atd run this script as this user now, and waits for the end of standard input.
user=$1 job=$2
# It says that no atd runs yet.
setpriv --reuid "$user" --regid "$(id -g "$user")" --init-groups at -f "$job" now
atd -f &
cat
