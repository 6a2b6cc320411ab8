use super::*;
use crate::account::{Environment, Machine};
use crate::net::Interrupt;
use proptest::prelude::*;
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// Reads dma.conf, in which @AUTH@ is the file of passwords.
fn reading(conf: impl AsRef<[u8]>, passwords: &str) -> Result<Import, Error> {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let conf = conf.as_ref().to_vec();
    let conf = match String::from_utf8(conf) {
        Ok(text) => text.replace("@AUTH@", path("auth.conf").to_str().unwrap()).into_bytes(),
        Err(error) => error.into_bytes(),
    };
    fs::write(path("dma.conf"), conf).unwrap();
    fs::write(path("auth.conf"), passwords).unwrap();
    fs::set_permissions(path("auth.conf"), fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(path("mailname"), "box.example.org\n").unwrap();
    let machine = Machine { mail_name: path("mailname"), ..Machine::this() };
    let environment = Environment::from([("HOME", "/")]);
    let interrupt = Interrupt::default();
    let context = Context { environment: &environment, machine: &machine, interrupt: &interrupt };
    Import::read(Format::Dma, &path("dma.conf"), context)
}

fn account(conf: &str) -> String {
    let import = reading(conf, "").unwrap_or_else(|error| panic!("{error}\n{conf}"));
    import.preview().unwrap()
}

#[test]
fn switches_become_the_scheme_of_the_server() {
    for (conf, url) in [
        ("", "smtp+notls://h.example"),
        ("SECURETRANSFER\nPORT 465", "smtps://h.example"),
        ("SECURETRANSFER\nSTARTTLS\nPORT 587", "smtp://h.example"),
        ("SECURETRANSFER\nSTARTTLS\nOPPORTUNISTIC_TLS", "smtp+opportunistic://h.example"),
        ("STARTTLS", "smtp+notls://h.example"),
        ("#SECURETRANSFER\nPORT\t26", "smtp+notls://h.example:26"),
    ] {
        let account = account(&format!("SMARTHOST h.example\n{conf}\n"));
        assert!(account.contains(&format!("server = \"{url}\"")), "{conf}\n{account}");
    }
}

#[test]
fn the_password_of_the_smarthost_is_the_one_that_counts() {
    // SEC-7
    let conf = "SMARTHOST h.example\nAUTHPATH @AUTH@\nSECURETRANSFER\n";
    let import = reading(conf, "# who\nbob|other.example:no\nalice|h.example:hunt:er2\n").unwrap();
    let settings = &import.accounts[0].settings;
    assert_eq!(settings.user.as_deref(), Some("alice"));
    assert_eq!(settings.password, Some(SecretSource::Value(Secret::new("hunt:er2"))));
    assert!(!format!("{import:?}{}", import.preview().unwrap()).contains("hunt"));
    // SEC-9
    let exposed = import.remarks.iter().filter(|remark| remark.contains("as good as known"));
    let exposed: Vec<_> = exposed.collect();
    assert!(exposed.len() == 1 && exposed[0].contains("auth.conf"), "{:?}", import.remarks);
    let error = reading(conf, "\nalice:pw\n").unwrap_err();
    assert!(error.to_string().contains("auth.conf:2"), "{error}");
}

#[test]
fn clear_signing_in_is_allowed_only_where_dma_allows_it() {
    let conf = "SMARTHOST h.example\nAUTHPATH @AUTH@\n";
    let allowed = |conf: &str| {
        let import = reading(conf, "a|h.example:p\n").unwrap();
        import.accounts[0].settings.allow_cleartext_auth
    };
    assert_eq!(allowed(conf), None);
    assert_eq!(allowed(&format!("{conf}INSECURE\n")), Some(true));
}

#[test]
fn names_and_senders_are_carried_over() {
    let sha256 = "00".repeat(32);
    let account = account(&format!(
        "SMARTHOST h.example\nSECURETRANSFER\nMAILNAME box.example.org\nMASQUERADE alice@example.org\n\
         FINGERPRINT {sha256}\nCERTFILE /etc/dma/cert.pem\nALIASES /etc/aliases\nNULLCLIENT\n"
    ));
    for line in [
        "domain = \"box.example.org\"",
        "aliases = \"/etc/aliases\"",
        "masquerade = { \"*\" = \"alice@example.org\" }",
        "helo = \"box.example.org\"",
        "tls-cert = \"/etc/dma/cert.pem\"",
        &format!("tls-pin = \"sha256:{sha256}\""),
    ] {
        assert!(account.contains(line), "{line}\n{account}");
    }
    for (text, address) in [("example.org", "*@example.org"), ("alice@", "alice@box.example.org")] {
        let conf = format!("SMARTHOST h.example\nMAILNAME box.example.org\nMASQUERADE {text}\n");
        let import = reading(conf, "").unwrap();
        let shown = import.accounts[0].settings.masquerade.clone().unwrap();
        assert_eq!(shown.entries().next().unwrap().1.to_string(), address);
    }
}

#[test]
fn a_name_may_come_after_what_needs_it() {
    let conf = "SMARTHOST h.example\nMASQUERADE alice@\nMAILNAME late.example.org\n";
    let account = account(conf);
    assert!(account.contains("\"alice@late.example.org\""), "{account}");
}

#[test]
fn a_line_that_another_says_again_tells_so() {
    let conf = "SMARTHOST g.example\nSMARTHOST h.example\nAUTHPATH @AUTH@\nSECURETRANSFER\n";
    let import = reading(conf, "a|h.example:p\nb|h.example:q\nc|g.example:r\n").unwrap();
    let whys: Vec<_> = import
        .lines
        .iter()
        .filter_map(|line| match &line.meaning {
            Meaning::Already(why) => Some(why.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(whys, ["line 2 says it again", FIRST, OTHER]);
}

#[test]
fn without_a_smarthost_there_is_no_account() {
    let import = reading("MAILNAME box.example.org\n", "").unwrap();
    assert!(import.accounts.is_empty() && !import.remarks.is_empty());
}

#[test]
fn what_cannot_be_read_is_an_error_with_its_line() {
    for conf in ["\nSMARTHOST a b", "\nPORT 0", "\nPORT", "\nFINGERPRINT 00"] {
        let error = reading(conf, "").unwrap_err();
        let Error::Line { line: at, .. } = &error else { panic!("{error}") };
        assert_eq!(*at, 2, "{conf}");
    }
}

proptest! {
    #[test]
    fn no_octets_make_it_panic(
        octets in prop::collection::vec(any::<u8>(), 0..200), text in "([A-Za-z_|]{0,12}[ :]?.{0,9}\n){0,9}"
    ) {
        let _ = reading(octets, &text);
        let _ = reading("SMARTHOST h\nAUTHPATH @AUTH@\n", &text);
        let _ = reading(text, "");
    }
}
