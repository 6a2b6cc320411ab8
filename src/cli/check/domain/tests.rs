use super::*;
use crate::dns::{Error, Kind, Srv};
use crate::net::{Endpoint, Proxy, Roots, TlsVersion};
use std::cell::RefCell;
use std::net::IpAddr;

/// Name servers that know texts only, and keep what they were asked.
struct Told {
    texts: &'static [(&'static str, &'static [&'static str])],
    asked: RefCell<Vec<String>>,
}

fn none<T>(name: &Name, kind: Kind) -> Result<Answer<T>, Error> {
    Err(Error::NoRecords { name: name.clone(), kind })
}

impl Resolver for Told {
    fn srv(&self, name: &Name, _: Deadline, _: &Interrupt) -> Result<Answer<Srv>, Error> {
        none(name, Kind::Srv)
    }

    fn mx(&self, name: &Name, _: Deadline, _: &Interrupt) -> Result<Answer<Mx>, Error> {
        none(name, Kind::Mx)
    }

    fn txt(&self, name: &Name, _: Deadline, _: &Interrupt) -> Result<Answer<Txt>, Error> {
        self.asked.borrow_mut().push(name.to_string());
        let found = self.texts.iter().find(|(owner, _)| *owner == name.to_string());
        let Some((_, texts)) = found else { return none(name, Kind::Txt) };
        let records = texts.iter().map(|&text| Txt(text.to_owned())).collect();
        Ok(Answer { records, authenticated: false })
    }

    fn tlsa(&self, name: &Name, _: Deadline, _: &Interrupt) -> Result<Answer<Tlsa>, Error> {
        none(name, Kind::Tlsa)
    }

    fn addresses(&self, name: &Name, _: Deadline, _: &Interrupt) -> Result<Answer<IpAddr>, Error> {
        none(name, Kind::A)
    }
}

/// What is found out about a domain of which these texts are known.
fn with<T>(
    texts: &'static [(&'static str, &'static [&'static str])],
    ask: impl FnOnce(&Asking<'_>) -> T,
) -> (T, Vec<String>) {
    let resolver = Told { texts, asked: RefCell::default() };
    let (interrupt, limit) = (Interrupt::default(), Duration::from_secs(60));
    let straight = |_: &Endpoint| Ok(None::<&Proxy>);
    let http = Http {
        roots: Roots::default(),
        least: TlsVersion::default(),
        proxy: &straight,
        source: None,
        family: Family::Any,
        deadline: Deadline::after(limit),
        interrupt: &interrupt,
    };
    let asking =
        Asking { resolver: &resolver, http: &http, limit, deadline: None, interrupt: &interrupt };
    let told = ask(&asking);
    (told, resolver.asked.into_inner())
}

#[test]
fn the_lookups_of_included_records_count() {
    let (cost, _) = with(
        &[
            ("a.example", &["v=spf1 include:b.example mx -all"]),
            ("b.example", &["x", "v=spf1 a ptr ip4:192.0.2.1 ?all"]),
        ],
        |asking| asking.cost("v=spf1 include:a.example redirect=b.example"),
    );
    // a: itself, b, its two, mx; b: itself and its two.
    assert_eq!(cost, Cost::Lookups(8));
}

#[test]
fn records_that_include_each_other_cost_too_much_and_end() {
    let (cost, asked) = with(&[("a.example", &["v=spf1 include:a.example -all"])], |asking| {
        asking.cost("v=spf1 include:a.example -all")
    });
    assert_eq!(cost, Cost::Lookups(11));
    assert_eq!(asked.len(), 10);
}

#[test]
fn an_included_record_that_is_missing_breaks_the_whole() {
    let (cost, _) =
        with(&[], |asking| asking.cost("v=spf1 include:gone.example include:b.example -all"));
    let why = "gone.example, which it includes, has no SPF record";
    assert_eq!(cost, Cost::Broken(why.to_owned()));
    let (cost, _) = with(&[], |asking| asking.cost("v=spf1 include:%{d}.x.example -all"));
    assert!(matches!(cost, Cost::Unknown(_)), "{cost:?}");
}

#[test]
fn a_policy_of_a_domain_above_counts_for_those_below() {
    let (texts, asked) = with(&[("_dmarc.example.org", &["v=DMARC1; p=reject"])], |asking| {
        asking.dmarc(&"news.mail.example.org".parse().unwrap())
    });
    assert_eq!(texts, Ok(vec!["v=DMARC1; p=reject".to_owned()]));
    let at = ["_dmarc.news.mail.example.org", "_dmarc.mail.example.org", "_dmarc.example.org"];
    assert_eq!(asked, at);
    let (texts, asked) = with(&[], |asking| asking.dmarc(&"example.org".parse().unwrap()));
    assert_eq!((texts, asked.len()), (Ok(Vec::new()), 1));
}
