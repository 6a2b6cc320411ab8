# Makes a repository with a change in it, and mails the change.
set -e
mkdir repository
cd repository
git init --quiet --initial-branch main
git config user.name 'Zoë Tester'
git config user.email zoe@example.net
echo one >file
git add file
git commit --quiet -m first
printf 'Grüezi\n.\n..two\n' >file
git commit --quiet -a -m 'Grüße aus Zürich'
exec git send-email --confirm=never --suppress-cc=all "$@" -1
