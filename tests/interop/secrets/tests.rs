use super::*;
use crate::scram::FIRST;

fn tells(stderr: &str) -> bool {
    let run = Run { status: 0, stdout: String::new(), stderr: stderr.to_owned() };
    std::panic::catch_unwind(|| assert_tells_no_secret(&run)).is_err()
}

#[test]
fn the_look_for_secrets_finds_them() {
    for secret in [
        PASSWORD.to_owned(),
        format!(" ~> AUTH PLAIN {}", STANDARD.encode(format!("\0{USER}\0{PASSWORD}"))),
        format!(" ~> {}", STANDARD.encode(PASSWORD)),
        format!(" ~> {}", STANDARD.encode(format!("{USER} {}", "0f".repeat(16)))),
        format!(" ~> {}", STANDARD.encode("c=biws,r=4Zt,p=dHzbZapWIk4=")),
    ] {
        assert!(tells(&secret), "{secret}");
    }
    assert!(!tells(" ~> AUTH PLAIN ***"));
}

#[test]
fn what_follows_from_a_challenge_is_found_in_every_form() {
    let challenges = [FIRST.as_bytes().to_vec(), b"<17954.1@localhost>".to_vec()];
    let hidden = hidden(&Given::Password(PASSWORD.to_owned()), &challenges);
    for name in
        ["SaltedPassword", "ClientKey", "StoredKey", "ClientProof", "the digest of CRAM-MD5"]
    {
        assert!(hidden.iter().any(|secret| secret.name == name), "{name}");
    }
    for secret in &hidden {
        for form in secret.forms() {
            let text = [b"Debug: [", &form[..], b"]"].concat();
            assert!(found(&hidden, &text).is_some(), "{}: {form:?}", secret.name);
        }
    }
}

#[test]
fn a_secret_is_found_in_the_list_of_processes_and_in_files() {
    let given = Given::Password(PASSWORD.to_owned());
    let keeps = |place: &str, text: &str| {
        let home = tempfile::TempDir::new().expect("making a home");
        let file = home.path().join(place);
        fs::create_dir_all(file.parent().expect("a directory")).expect("making a directory");
        fs::write(home.path().join(SEEN), "envoi\0send\0--json\0").expect("writing a file");
        fs::write(home.path().join(SECRET), PASSWORD).expect("writing a file");
        fs::write(file, text).expect("writing a file");
        let run = Run { status: 0, stdout: String::new(), stderr: String::new() };
        let exchange = Exchange::default();
        std::panic::catch_unwind(|| assert_keeps(&given, &run, home.path(), &exchange)).is_ok()
    };
    let process = format!("envoi\0send\0--json\0--password\0{PASSWORD}\0PATH=/bin\0");
    assert!(!keeps(SEEN, &process));
    assert!(!keeps("state/envoi/log", &format!("signed in with {}", STANDARD.encode(PASSWORD))));
    assert!(keeps("state/envoi/log", "signed in"));
    // Nor does a look at nothing pass for a look.
    assert!(!keeps(SEEN, ""));
}

#[test]
fn a_secret_in_base64_is_found_wherever_it_stands() {
    let hidden = [Hidden::new("the password", PASSWORD)];
    for before in 0..6 {
        for behind in 0..6 {
            let text = [&vec![b'x'; before][..], PASSWORD.as_bytes(), &vec![b'y'; behind]].concat();
            assert!(found(&hidden, STANDARD.encode(&text).as_bytes()).is_some(), "{text:?}");
        }
    }
    assert_eq!(found(&hidden, STANDARD.encode(&PASSWORD[1..]).as_bytes()), None);
}

#[test]
fn tokens_keys_and_what_a_server_heard_are_found_too() {
    let directory = tempfile::TempDir::new().expect("making a directory");
    crate::authority::write_certificates(directory.path());
    let file = directory.path().join("client.key");
    let pem = fs::read_to_string(&file).expect("reading the key");
    let line = pem.lines().nth(1).expect("the first line of the key").to_owned();
    let key = hidden(&Given::Key(file), &[]);
    assert!(found(&key, format!("loaded {line}").as_bytes()).is_some());
    assert_eq!(found(&key, b"loaded client.key"), None);

    let token = crate::token::token();
    let bearer = STANDARD.encode(format!("n,a={USER},\x01auth=Bearer {token}\x01\x01"));
    let token = hidden(&Given::Token(token), &[]);
    assert!(found(&token, format!(" ~> AUTH OAUTHBEARER {bearer}").as_bytes()).is_some());

    let heard = [bearer.clone().into_bytes(), b"dGVzdGVy".to_vec(), b"=".to_vec()];
    let heard: Vec<_> = answers(&heard).collect();
    assert!(found(&heard, bearer.as_bytes()).is_some());
    assert_eq!(found(&heard, b" ~> AUTH LOGIN dGVzdGVy ="), None);
}
