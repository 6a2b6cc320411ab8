//! What stands in `contrib/`, on a machine whose sendmail is the program, each with
//! what reads it: systemd, cron, logrotate, PHP.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::callers::{DOMAIN, Machine, TERRY, arrived, cron, packaged};
use crate::letter::Letter;
use crate::postfix::postfix;
use crate::server::{PASSWORD, Server, USER, file, wait_until};
use crate::sign_in::Offers;

fn contrib(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("contrib").join(name)
}

fn text(name: &str) -> String {
    fs::read_to_string(contrib(name)).expect("reading a file of contrib/")
}

/// The blocks of shell commands below this heading of the README.
fn commands(heading: &str) -> String {
    let readme = text("README.md");
    let (_, section) = readme.split_once(&format!("\n## {heading}")).expect("a heading");
    let section = section.split("\n## ").next().expect("what is below it");
    let blocks = section.split("\n```sh\n").skip(1);
    blocks.map(|block| block.split("```").next().expect("a block")).collect()
}

/// A machine on which the unit is installed, for all services, as is written.
fn with_status_mail(machine: &Machine) -> String {
    packaged("systemd-analyze", "systemd");
    for name in ["status-mail", "status-mail@.service"] {
        machine.write(&format!("contrib/systemd/{name}"), text(&format!("systemd/{name}")));
    }
    // systemd does not run yet, or not at all.
    let commands = commands("systemd/");
    format!("cd {}; systemctl() {{ :; }}\nset -e\n{commands}\n", machine.home().display())
}

#[test]
fn the_unit_is_one_that_systemd_takes_and_holds_to_be_shut_in() {
    let machine = Machine::cut_off();
    let script = with_status_mail(&machine)
        + "systemd-analyze --man=no verify status-mail@some.service
        systemd-analyze --no-pager security --offline=yes --threshold=35 \
            /etc/systemd/system/status-mail@.service";
    let run = machine.run("root", &["sh", "-c", &script], "").exits(0);
    assert_eq!(run.stderr, "", "{run}");
}

#[test]
fn a_service_that_fails_is_mailed_about_by_systemd() {
    let server = postfix();
    let machine = Machine::before(&server);
    for name in ["systemd.sh", "failing.service", "start.target"] {
        let content = fs::read(file(&format!("contrib/{name}"))).expect("reading a file");
        machine.write(name, content);
    }
    let start = format!("exec sh {}/systemd.sh", machine.home().display());
    let script = with_status_mail(&machine) + &start;
    let _systemd = machine.keep("systemd", &["sh", "-c", &script]);

    let arrived = arrived(&server, &format!("root@{DOMAIN}"), &[&machine.root]);
    assert_eq!(arrived.addresses("to"), [&machine.root]);
    assert_eq!(arrived.read()["subject"], "failing.service on box");
    assert!(arrived.says("\nAuto-Submitted: auto-generated\n"));
    let text = arrived.read()["text"].as_str().expect("a text");
    // Nobody: one that fails would have itself mailed about without end.
    let nobody = fs::read_to_string(machine.home().join("run/on-failure"));
    assert_eq!(nobody.expect("what the service wrote"), "OnFailure=\n");
    for line in ["× failing.service - A service that fails – über alles\n", "status=3"] {
        assert!(text.contains(line), "{text}");
    }
}

/// A machine on which the queue is installed, as is written, with a spool of its own.
fn with_queue(machine: &Machine) -> String {
    packaged("systemd-analyze", "systemd");
    for name in ["service", "path", "timer"].map(|kind| format!("systemd/envoi-queue.{kind}")) {
        machine.write(&format!("contrib/{name}"), text(&name));
    }
    for name in [
        "systemd/envoi.tmpfiles.conf",
        "systemd/envoi-queue-local.conf",
        "systemd/user/envoi-queue.service",
        "systemd/user/envoi-queue.timer",
    ] {
        machine.write(&format!("contrib/{name}"), text(name));
    }
    let commands = commands("A queue: systemd/ or cron/");
    format!(
        "mount -t tmpfs -o mode=755 spool /var/spool
        cd {}; systemctl() {{ :; }}\nset -e\nmkdir -p /etc/tmpfiles.d\n{commands}\n",
        machine.home().display()
    )
}

#[test]
fn the_units_of_the_queue_are_ones_that_systemd_takes_and_holds_to_be_shut_in() {
    let machine = Machine::cut_off();
    let script = with_queue(&machine)
        + "stat -c '%a %U %n' /var/spool/envoi/* >modes
        cd /etc/systemd/system
        systemd-analyze --man=no verify envoi-queue.service envoi-queue.path envoi-queue.timer
        systemd-analyze --no-pager security --offline=yes --threshold=41 envoi-queue.service
        rm -r envoi-queue.service.d
        systemd-analyze --no-pager security --offline=yes --threshold=35 envoi-queue.service
        cd -
        XDG_RUNTIME_DIR=$PWD systemd-analyze --man=no verify --user contrib/systemd/user/envoi-queue.service \
            contrib/systemd/user/envoi-queue.timer";
    let run = machine.run("root", &["sh", "-c", &script], "").exits(0);
    assert_eq!(run.stderr, "", "{run}");
    let modes = fs::read_to_string(machine.home().join("modes")).expect("the modes");
    assert_eq!(modes, "1733 root /var/spool/envoi/drop\n700 root /var/spool/envoi/queue\n");
}

#[test]
fn what_a_user_hands_in_is_sent_by_systemd_at_once() {
    let server = postfix();
    let machine = Machine::before(&server);
    let ann = Letter::someone("ann");
    let password = machine.home().join("etc/envoi/password");
    fs::set_permissions(password, fs::Permissions::from_mode(0o600)).expect("closing it");
    machine.write("etc/aliases", "");
    configured(&machine, |it| it + "local = \"maildir:/home/{user}/Maildir\"\n");
    machine.write("systemd.sh", fs::read(file("contrib/systemd.sh")).expect("reading a file"));
    let target = "[Unit]\nDefaultDependencies=no\nWants=envoi-queue.path handing-in.service\n";
    machine.write("start.target", target);
    let handing_in = format!(
        "[Unit]\nAfter=envoi-queue.path\n[Service]\nType=oneshot\nUser={TERRY}\n\
         ExecStart=sh -c 'printf \"To: {ann}\\nSubject: handed in\\n\\nhi\\n\" | sendmail {ann} {TERRY}'\n"
    );
    machine.write("handing-in.service", handing_in);
    let home = machine.home().display();
    let script =
        with_queue(&machine) + &format!("mount --bind {home} /home; exec sh {home}/systemd.sh");
    let _systemd = machine.keep("systemd", &["sh", "-c", &script]);

    let arrived = arrived(&server, &format!("{TERRY}@{DOMAIN}"), &[&ann]);
    assert_eq!(arrived.read()["subject"], "handed in");
    let maildir = machine.home().join("terry/Maildir/new");
    let kept = || fs::read_dir(&maildir).ok()?.next()?.ok();
    let file = wait_until(|| "mail in the Maildir".to_owned(), kept);
    let owner = |path: &Path| fs::metadata(path).expect("its facts").uid();
    assert_eq!(owner(&file.path()), owner(&machine.home().join("terry")));
}

/// What precedes the jobs of the crontab, and the three: they wait for the night, and are
/// run at the start here.
fn crontab(receiver: &str) -> (String, [String; 3]) {
    let crontab = text("cron/crontab").replace("root@example.org", receiver);
    let job = |line: &str| Some(format!("@reboot {}\n", line.split_once(" 4 * * * ")?.1));
    let jobs: Vec<_> = crontab.lines().filter_map(job).collect();
    let head = crontab.lines().take_while(|line| job(line).is_none());
    let head = head.map(|line| format!("{line}\n")).collect();
    (head, jobs.try_into().expect("three jobs"))
}

/// Gives the machine another configuration.
fn configured(machine: &Machine, change: impl Fn(String) -> String) {
    let name = "etc/envoi/config.toml";
    let text = fs::read_to_string(machine.home().join(name));
    machine.write(name, change(text.expect("reading the configuration")));
}

#[test]
fn the_jobs_of_the_crontab_are_mailed_by_cron() {
    let server = postfix();
    let machine = Machine::before(&server);
    let [disks, failing, lacking, quiet] =
        ["disks", "failing", "lacking", "quiet"].map(Letter::someone);
    let (head, [all, only_failures, own]) = crontab(&disks);
    let broken = own.replace("/etc/fstab", "/etc/no-such-file");
    assert_ne!(broken, own);
    let now = format!(
        "{head}{all}\
         MAILTO={quiet}\n{}{own}\
         MAILTO={failing}\n{only_failures}\
         MAILTO={lacking}\n{broken}",
        only_failures.replace("/var/spool/envoi", "/"),
    );
    machine.write("etc/fstab", "# nothing\n");
    let _cron = cron(&machine, &[(TERRY, &now)]);

    let sender = format!("root@{DOMAIN}");
    let output = |recipient: &str| {
        let arrived = arrived(&server, &sender, &[recipient]);
        assert_eq!(arrived.addresses("to"), [recipient]);
        let part = |name: &str| arrived.read()[name].as_str().expect("a text").to_owned();
        (part("subject"), part("text"))
    };
    let (subject, text) = output(&machine.root);
    assert!(subject.ends_with(" df -h /"), "{subject}");
    assert!(text.starts_with("Filesystem "), "{text}");
    let (_, text) = output(&failing);
    assert_eq!(text, "stat: cannot statx '/var/spool/envoi': No such file or directory\n");
    let (_, text) = output(&lacking);
    assert!(text.contains("cannot read ‘/etc/no-such-file’"), "{text}");

    let own = arrived(&server, &disks, &[&disks]);
    assert_eq!(own.addresses("to"), [&disks]);
    assert_eq!(own.read()["subject"], "Disks of box");
    assert!(own.read()["text"].as_str().expect("a text").starts_with("Filesystem "));
    assert_eq!(own.attachment(), ("fstab", b"# nothing\n".to_vec()));
    // Neither what did not fail nor what sent its own says anything to cron.
    assert_eq!(server.stored(&quiet), None);
}

#[test]
fn logrotate_takes_the_recipe_and_the_log_goes_on() {
    packaged("logrotate", "logrotate");
    let server = postfix();
    let machine = Machine::before(&server);
    configured(&machine, |it| it.replace("\"syslog\"", "\"/var/log/envoi/mail.log\""));
    let recipe = machine.write("etc/logrotate.d-envoi", text("logrotate/envoi"));
    let [ann, bob, cal] = ["ann", "bob", "cal"].map(Letter::someone);
    let script = format!(
        "set -e
        mail() {{ echo To: $1 | sendmail -t; }}
        rotate() {{ logrotate -f -s /var/log/state {}; }}
        mkdir /var/log/envoi
        cd /var/log/envoi
        mail {ann}
        rotate
        stat -c %s mail.log
        mail {bob}
        rotate
        mail {cal}
        stat -c '%n %a %U' *
        zcat -f mail.log.2.gz mail.log.1 mail.log",
        recipe.display()
    );
    let run = machine.run("root", &["sh", "-c", &script], "").exits(0);
    assert_eq!(run.stderr, "", "{run}");
    let lines: Vec<_> = run.stdout.lines().collect();
    let files = ["mail.log 600 root", "mail.log.1 600 root", "mail.log.2.gz 600 root"];
    assert_eq!(lines[..4], [&["0"], &files[..]].concat(), "{run}");
    assert_eq!(lines.len(), 7, "{run}");
    for (line, recipient) in lines[4..].iter().zip([ann, bob, cal]) {
        assert!(line.contains(&format!(" recipients={recipient} ")), "{run}");
        assert!(line.contains(" exitcode=EX_OK"), "{run}");
        arrived(&server, &format!("root@{DOMAIN}"), &[&recipient]);
    }
}

/// The commands that the head of the Dockerfile shows.
fn shown() -> String {
    let lines = text("docker/Dockerfile");
    lines
        .lines()
        .filter_map(|line| line.strip_prefix("#     "))
        .map(|it| format!("{it}\n"))
        .collect()
}

/// The instructions of the Dockerfile: the word, and the rest.
fn instructions() -> Vec<(String, String)> {
    let lines = text("docker/Dockerfile").replace("\\\n", " ");
    let lines = lines.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| line.split_once(' ').expect("an instruction"))
        .map(|(word, rest)| (word.to_owned(), rest.to_owned()))
        .collect()
}

/// What the instructions do to a machine with PHP, for a shell. Where they take what
/// the first stage has built, there is the program.
fn steps() -> String {
    let program = env!("CARGO_BIN_EXE_envoi");
    let mut stages = Vec::new();
    let mut steps = Vec::new();
    for (word, rest) in instructions() {
        let words: Vec<_> = rest.split(' ').collect();
        match (word.as_str(), &words[..]) {
            // The C library is that of the build.
            ("ARG", [image]) => assert!(image.ends_with("-bookworm"), "{image}"),
            ("FROM", [image, "AS", stage]) => {
                assert!(image.ends_with("-bookworm"), "{image}");
                stages.push(format!("--from={stage}"));
            }
            ("FROM", ["php:${PHP}"]) => {
                let build = std::mem::take(&mut steps);
                assert_eq!(build, ["cargo build --release --locked"]);
            }
            ("WORKDIR", ["/src"]) | ("COPY", [".", "."]) => {}
            ("COPY", [from, built, to]) => {
                assert!(stages.iter().any(|stage| stage == from), "{from}");
                assert_eq!(*built, "/src/target/release/envoi");
                steps.push(format!("install {program} {to}"));
            }
            ("RUN", _) => steps.push(rest),
            ("ENV", [variable]) => steps.push(format!("export {variable}")),
            _ => panic!("{word} {rest}"),
        }
    }
    assert_eq!(stages.len(), 1);
    steps.join("\n")
}

#[test]
fn a_container_sends_by_its_environment_and_a_secret() {
    packaged("php", "php-cli");
    let server = postfix();
    let machine = Machine::cut_off();
    fs::remove_dir_all(machine.home().join("etc/envoi"))
        .expect("a machine without a configuration");
    machine.write("root/mail_password", PASSWORD);
    let [docker, dockerfile] = [file("contrib/docker.sh"), contrib("docker/Dockerfile")];
    let steps = machine.write("steps", steps());
    // Root in the container, as by default, and somebody else.
    for user in ["root", TERRY] {
        let ann = Letter::someone("ann");
        // In clear, where the password is proved and not shown: no container knows the
        // authority of the tests.
        let url = format!("smtp+notls://localhost:{}", server.doors()[0].port);
        let commands = shown()
            .replace("smtps://mail.example.org", &url)
            .replace("ENVOI_USER=web@example.org", &format!("ENVOI_USER={USER}"))
            .replace("web@example.org", "web@example.net")
            .replace("you@example.org", &ann);
        let script = format!(
            "user={user} source={} dockerfile={} steps={}\n. {}\n{commands}",
            env!("CARGO_MANIFEST_DIR"),
            dockerfile.display(),
            steps.display(),
            docker.display()
        );
        machine.run("root", &["sh", "-c", &script], "").exits(0);

        let arrived = arrived(&server, "web@example.net", &[&ann]);
        assert!(arrived.says("\nFrom: The shop <web@example.net>\n"));
        assert_eq!(arrived.addresses("to"), [&ann]);
        assert_eq!(arrived.read()["subject"], "Hello");
        assert_eq!(arrived.read()["text"], "It works.\n");
    }
}

#[test]
fn the_readme_names_every_directory() {
    let readme = text("README.md");
    for entry in fs::read_dir(contrib("")).expect("listing contrib/") {
        let entry = entry.expect("reading contrib/");
        let name = entry.file_name().into_string().expect("a name");
        assert!(name == "README.md" || readme.contains(&format!("\n## {name}/: ")), "{name}");
    }
}
