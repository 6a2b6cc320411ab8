//! What was found, as one object for programs.

use super::finding::{Finding, Verdict};
use super::server::{Seen, days_left};
use super::{Checked, Subject};
use crate::cli::hint::Hint;
use crate::cli::render::{AuthJson, TlsJson};
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CheckJson<'c> {
    version: u8,
    account: Option<&'c str>,
    subjects: Vec<SubjectJson<'c>>,
    faults: usize,
    warnings: usize,
    unknown: usize,
    exit: u8,
}

#[derive(Serialize)]
struct SubjectJson<'c> {
    #[serde(flatten)]
    about: About<'c>,
    findings: Vec<FindingJson<'c>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum About<'c> {
    Domain { domain: &'c str },
    Unseen { server: String },
    Port(Box<PortJson<'c>>),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PortJson<'c> {
    server: String,
    own: bool,
    address: Option<String>,
    tls: Option<TlsJson<'c>>,
    auth: Option<AuthJson<'c>>,
    extensions: &'c [String],
    extensions_in_clear: &'c [String],
    certificate_days: Option<u64>,
    timings: BTreeMap<&'static str, f64>,
}

#[derive(Serialize)]
struct FindingJson<'c> {
    rule: &'static str,
    verdict: &'static str,
    found: &'c str,
    why: Option<&'static str>,
    hints: &'c [Hint],
}

pub(super) fn object(checked: &Checked) -> CheckJson<'_> {
    CheckJson {
        version: 1,
        account: checked.account.as_deref(),
        subjects: checked.subjects.iter().map(subject).collect(),
        faults: checked.count(Verdict::Fault),
        warnings: checked.count(Verdict::Warning),
        unknown: checked.count(Verdict::Unknown),
        exit: checked.exit().status(),
    }
}

fn subject(subject: &Subject) -> SubjectJson<'_> {
    let about = match &subject.about {
        super::About::Port(seen) => About::Port(Box::new(port(seen))),
        super::About::Unseen(endpoint) => About::Unseen { server: endpoint.to_string() },
        super::About::Domain => About::Domain { domain: &subject.name },
    };
    SubjectJson { about, findings: subject.findings.iter().map(finding).collect() }
}

fn port(seen: &Seen) -> PortJson<'_> {
    let attempt = &seen.attempt;
    let milliseconds = |time: &Duration| time.as_secs_f64() * 1000.0;
    PortJson {
        server: seen.hop.endpoint.to_string(),
        own: seen.is_own,
        address: attempt.address.as_ref().map(ToString::to_string),
        tls: TlsJson::of(attempt),
        auth: seen.sign_in.worked().and_then(AuthJson::of),
        extensions: &attempt.extensions,
        extensions_in_clear: &attempt.in_clear,
        certificate_days: days_left(seen).map(|(days, _)| days),
        timings: attempt.timings.iter().map(|(it, time)| (it.word(), milliseconds(time))).collect(),
    }
}

fn finding(finding: &Finding) -> FindingJson<'_> {
    FindingJson {
        rule: finding.rule,
        verdict: finding.verdict.word(),
        found: &finding.found,
        why: finding.why,
        hints: &finding.hints,
    }
}
