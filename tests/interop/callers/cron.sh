# Has cron run the jobs of the files that are named after users of this directory.
# What they say is to be run at the start is run now.
cd "$(dirname "$0")"
for jobs in *.crontab; do
    crontab -u "${jobs%.crontab}" "$jobs"
done
cron -f &
cat
