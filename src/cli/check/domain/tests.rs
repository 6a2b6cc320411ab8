use super::*;
use crate::dns::{Error, Kind, Srv};
use crate::net::{Address, Endpoint, Family, Proxy, Roots, TlsVersion};
use std::cell::RefCell;
use std::io;

/// What stands under a name.
pub(in crate::cli::check) type Known<T> = &'static [(&'static str, &'static [T])];

/// Name servers that know this, and keep what they were asked.
#[derive(Default)]
pub(in crate::cli::check) struct Told {
    pub(in crate::cli::check) texts: Known<&'static str>,
    /// Who takes the mail of a name; an empty name for nobody.
    pub(in crate::cli::check) mx: Known<&'static str>,
    pub(in crate::cli::check) addresses: Known<[u8; 4]>,
    /// Names of which nothing can be told now.
    pub(in crate::cli::check) silent: &'static [&'static str],
    pub(in crate::cli::check) asked: RefCell<Vec<String>>,
}

impl Told {
    fn find<T: Clone>(&self, known: Known<T>, name: &Name, kind: Kind) -> Result<Vec<T>, Error> {
        if self.silent.contains(&name.to_string().as_str()) {
            return Err(Error::TimedOut { name: name.clone(), kind });
        }
        let found = known.iter().find(|(owner, _)| *owner == name.to_string());
        found
            .map(|(_, records)| records.to_vec())
            .ok_or(Error::NoRecords { name: name.clone(), kind })
    }
}

fn unsigned<T>(records: Vec<T>) -> Answer<T> {
    Answer { records, authenticated: false, canonical: None }
}

fn none<T>(name: &Name, kind: Kind) -> Result<Answer<T>, Error> {
    Err(Error::NoRecords { name: name.clone(), kind })
}

impl Resolver for Told {
    fn srv(&self, name: &Name, _: Deadline, _: &Interrupt) -> Result<Answer<Srv>, Error> {
        none(name, Kind::Srv)
    }

    fn mx(&self, name: &Name, _: Deadline, _: &Interrupt) -> Result<Answer<Mx>, Error> {
        let hosts = self.find(self.mx, name, Kind::Mx)?;
        let record = |host: &str| Mx { preference: 10, exchanger: host.parse().ok() };
        Ok(unsigned(hosts.into_iter().map(record).collect()))
    }

    fn txt(&self, name: &Name, _: Deadline, _: &Interrupt) -> Result<Answer<Txt>, Error> {
        self.asked.borrow_mut().push(name.to_string());
        let texts = self.find(self.texts, name, Kind::Txt)?;
        Ok(unsigned(texts.into_iter().map(|text| Txt(text.to_owned())).collect()))
    }

    fn tlsa(&self, name: &Name, _: Deadline, _: &Interrupt) -> Result<Answer<Tlsa>, Error> {
        none(name, Kind::Tlsa)
    }

    fn addresses(&self, name: &Name, _: Deadline, _: &Interrupt) -> Result<Answer<IpAddr>, Error> {
        let found = self.find(self.addresses, name, Kind::A)?;
        Ok(unsigned(found.into_iter().map(IpAddr::from).collect()))
    }
}

/// What is found out about a domain of which this is known.
pub(in crate::cli::check) fn with<T>(
    resolver: &Told,
    ask: impl FnOnce(&Asking<'_>) -> T,
) -> (T, Vec<String>) {
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
    let asking = Asking {
        resolver,
        http: &http,
        limit,
        deadline: None,
        interrupt: &interrupt,
        look: &|_| None,
    };
    let told = ask(&asking);
    (told, resolver.asked.take())
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

#[test]
fn a_policy_of_a_domain_above_counts_for_those_below() {
    let told = Told {
        texts: &[("_dmarc.example.org", &["v=DMARC1; p=reject"]), ("_dmarc.com", &["v=DMARC1"])],
        ..Told::default()
    };
    let (found, asked) = with(&told, |asking| asking.dmarc(&name("news.mail.example.org")));
    assert_eq!(found, (name("example.org"), Ok(vec!["v=DMARC1; p=reject".to_owned()])));
    let at = ["_dmarc.news.mail.example.org", "_dmarc.mail.example.org", "_dmarc.example.org"];
    assert_eq!(asked, at);
    let (found, asked) = with(&told, |asking| asking.dmarc(&name("example.com")));
    assert_eq!((found.1, asked.len()), (Ok(Vec::new()), 1));
}

#[test]
fn where_a_policy_cannot_be_told_none_above_stands_in_for_it() {
    let told = Told {
        texts: &[("_dmarc.example.org", &["v=DMARC1; p=reject"])],
        silent: &["_dmarc.mail.example.org"],
        ..Told::default()
    };
    let (found, _) = with(&told, |asking| asking.dmarc(&name("mail.example.org")));
    assert!(found.1.is_err_and(|error| error.is_temporary()));
}

#[test]
fn a_domain_takes_its_mail_itself_only_where_it_names_nobody() {
    // 5321-5.1a, 5321-5.1b, 7505
    let told = Told {
        mx: &[("named.example", &["mx.named.example"]), ("none.example", &[""])],
        addresses: &[
            ("named.example", &[[192, 0, 2, 1]]),
            ("none.example", &[[192, 0, 2, 1]]),
            ("own.example", &[[192, 0, 2, 1]]),
        ],
        silent: &["silent.example"],
        ..Told::default()
    };
    for (domain, expected) in [
        ("named.example", vec![("mx.named.example", false)]),
        ("none.example", vec![]),
        ("own.example", vec![("own.example", true)]),
        ("nothing.example", vec![]),
        ("silent.example", vec![]),
    ] {
        let domain = name(domain);
        let (hosts, _) = with(&told, |asking| asking.hosts(&domain, &asking.exchangers(&domain)));
        let hosts: Vec<_> =
            hosts.iter().map(|host| (host.name.to_string(), host.addresses.is_ok())).collect();
        let expected: Vec<_> =
            expected.into_iter().map(|(host, is_ok)| (host.to_owned(), is_ok)).collect();
        assert_eq!(hosts, expected, "{domain}");
    }
}

#[test]
fn a_policy_that_others_may_get_is_not_called_missing() {
    let connect = |kind: ErrorKind| {
        let address = Address::Tcp("192.0.2.1:443".parse().unwrap());
        HttpError::Unreached(net::Error::Connect { address, cause: io::Error::from(kind) })
    };
    assert!(may_be_there(&connect(ErrorKind::NetworkUnreachable)));
    assert!(may_be_there(&HttpError::TimedOut { after: Duration::from_secs(1) }));
    let lookup = net::Error::Lookup { host: "x".to_owned(), reason: "try again".to_owned() };
    assert!(may_be_there(&HttpError::Unreached(lookup)));
    assert!(!may_be_there(&connect(ErrorKind::ConnectionRefused)));
    let gone = net::Error::NoSuchHost { host: "x".to_owned(), reason: "not known".to_owned() };
    assert!(!may_be_there(&HttpError::Unreached(gone)));
}
