//! The page of the manual for who knows swaks has all of its options, and no
//! others.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::server::program;

/// The options of a newer one, as its source has them (swaks at 8a05259, of
/// February 2024).
const NEWER: &str = "
    config 4 6 help version support dump dump-mail
    server s port p protocol pipe socket copy-routing local-interface li local-port lp timeout
    to t cc bcc from f helo ehlo lhlo h force-getpwuid pipeline prdr
    quit-after quit q drop-after drop da drop-after-send das
    tls tls-optional tlso tls-optional-strict tlsos tls-on-connect tlsc tls-protocol tlsp
    tls-cipher tls-verify tls-verify-ca tls-verify-host tls-verify-target tls-ca-path tls-cert
    tls-key tls-chain tls-get-peer-cert tls-get-peer-chain tls-sni
    auth a auth-optional ao auth-optional-strict aos auth-user au auth-password ap auth-extra ae
    auth-map am auth-plaintext apt auth-hide-password ahp protect-prompt pp
    xclient xclient-addr xclient-name xclient-port xclient-proto xclient-destaddr xclient-destport
    xclient-helo xclient-login xclient-reverse-name xclient-delim xclient-no-verify
    xclient-before-starttls xclient-optional xclient-optional-strict
    proxy proxy-version proxy-family proxy-protocol proxy-command proxy-source proxy-source-port
    proxy-dest proxy-dest-port
    data d body attach attach-body attach-type attach-name add-header ah header h-
    dump-as-body dab dump-as-body-shows-password dabsp no-data-fixup ndf no-strip-from nsf g
    suppress-data n show-time-lapse stl show-raw-text raw hide-receive hr hide-send hs
    hide-informational hi hide-all ha no-hints nth no-send-hints nsh no-receive-hints nrh
    no-info-hints nih silent S output output-file output-file-stdout output-file-stderr
";

#[test]
fn every_option_of_swaks_has_a_row_in_the_manual() {
    let (rows, options) = (rows(), options_of_swaks());
    assert!(options.len() > 150, "{options:?}");
    let missing: Vec<&String> = options.difference(&rows).collect();
    assert!(missing.is_empty(), "envoi-swaks(7) has no row for {missing:?}");
}

#[test]
fn every_row_of_the_manual_is_about_something_that_swaks_has() {
    let mut known = options_of_swaks();
    // Any option may have that in front.
    known.insert("no-".to_owned());
    let rows = rows();
    let unknown: Vec<&String> = rows.difference(&known).collect();
    assert!(unknown.is_empty(), "swaks has no {unknown:?}");
}

/// What is tagged in a section of the page.
pub(super) fn tags(section: &str) -> BTreeSet<String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("man/envoi-swaks.7");
    let page = fs::read_to_string(page).expect("reading envoi-swaks.7");
    let (_, section) = page.split_once(&format!(".SH {section}\n")).expect("the section");
    let section = section.split("\n.SH ").next().unwrap_or_default();
    let tagged = section.split(".TP\n").skip(1).filter_map(|tagged| tagged.lines().next());
    tagged.map(|tag| tag.trim_start_matches(".B ").replace('\\', "")).collect()
}

/// The options that have a row, without their dashes.
fn rows() -> BTreeSet<String> {
    tags("OPTIONS").iter().flat_map(|row| options(row)).collect()
}

/// What the installed one documents, and what a newer one has, without dashes.
fn options_of_swaks() -> BTreeSet<String> {
    let swaks = fs::read_to_string(program("swaks", "swaks")).expect("reading swaks");
    let items = swaks.lines().filter_map(|line| line.strip_prefix("=item "));
    let documented = items.filter(|item| item.starts_with('-')).flat_map(options);
    documented.chain(NEWER.split_whitespace().map(str::to_owned)).collect()
}

/// What begins with one dash or two, up to the name of a value.
fn options(text: &str) -> Vec<String> {
    let words = text.split([' ', ',', ';']).filter(|word| word.starts_with('-'));
    let name = |word: &str| {
        let word = word.trim_start_matches('-');
        if word.len() == 1 {
            return word.to_owned();
        }
        let end = word.find(|c: char| !c.is_ascii_lowercase() && !c.is_ascii_digit() && c != '-');
        word[..end.unwrap_or(word.len())].to_owned()
    };
    words.map(name).filter(|name| !name.is_empty()).collect()
}
