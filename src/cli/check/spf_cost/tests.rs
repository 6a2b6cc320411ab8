use super::*;
use crate::cli::check::domain::tests::{Told, with};

/// What it costs to apply this record of `example.org`.
fn cost(told: &Told, record: &str) -> Cost {
    let domain = "example.org".parse().unwrap();
    with(told, |asking| asking.cost(&domain, record)).0.expect("a record")
}

fn bill(cost: Cost) -> Bill {
    match cost {
        Cost::Counted(bill) => bill,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_lookups_of_included_records_count() {
    let told = Told {
        texts: &[
            ("a.example", &["v=spf1 include:b.example mx -all"]),
            ("b.example", &["x", "v=spf1 a ptr ip4:192.0.2.1 ?all"]),
        ],
        mx: &[("a.example", &["mx.example"])],
        addresses: &[("b.example", &[[192, 0, 2, 1]])],
        ..Told::default()
    };
    let bill = bill(cost(&told, "v=spf1 include:a.example redirect=b.example"));
    // a: itself, b, its two, mx; b: itself and its two.
    assert_eq!(bill, Bill { lookups: 8, ..Bill::default() });
}

#[test]
fn records_that_include_each_other_cost_too_much_and_end() {
    let told =
        Told { texts: &[("a.example", &["v=spf1 include:a.example -all"])], ..Told::default() };
    let domain = "example.org".parse().unwrap();
    let (cost, asked) = with(&told, |asking| asking.cost(&domain, "v=spf1 include:a.example -all"));
    assert_eq!((bill(cost.unwrap()).lookups, asked.len()), (11, 10));
}

#[test]
fn an_included_record_that_is_missing_or_wrong_breaks_the_whole() {
    let told = Told {
        texts: &[
            ("two.example", &["v=spf1 -all", "v=spf1 mx -all"]),
            ("wrong.example", &["v=spf1 ipv4:192.0.2.1 -all"]),
        ],
        silent: &["silent.example"],
        ..Told::default()
    };
    for (domain, why) in [
        ("gone.example", "has no SPF record"),
        ("two.example", "has several SPF records"),
        ("wrong.example", "has a wrong term: ipv4:192.0.2.1"),
        ("a..example", "is no name"),
    ] {
        let expected = Cost::Broken(format!("{domain}, which it includes, {why}"));
        assert_eq!(cost(&told, &format!("v=spf1 include:{domain} -all")), expected);
    }
    for domain in ["%{d}.x.example", "silent.example"] {
        let cost = cost(&told, &format!("v=spf1 include:{domain} -all"));
        assert!(matches!(cost, Cost::Unknown(_)), "{cost:?}");
    }
}

#[test]
fn names_of_which_nothing_comes_are_told() {
    let told = Told { addresses: &[("here.example", &[[192, 0, 2, 1]])], ..Told::default() };
    let record = "v=spf1 mx a:gone.example a:here.example exists:none.example \
                  exists:%{i}.x.example a:%{d}.example -all";
    let bill = bill(cost(&told, record));
    assert_eq!(
        (bill.lookups, bill.void),
        (6, vec!["example.org".to_owned(), "gone.example".to_owned(), "none.example".to_owned()])
    );
    let told = Told { silent: &["gone.example"], ..Told::default() };
    assert!(matches!(cost(&told, "v=spf1 a:gone.example -all"), Cost::Unknown(_)));
}

#[test]
fn more_hosts_than_mx_takes_break_the_record() {
    // RFC 7208 §4.6.4
    let told = Told {
        mx: &[("example.org", &["mx.example"; 11]), ("b.example", &["mx.example"; 10])],
        ..Told::default()
    };
    let expected = "example.org has 11 MX records, and mx takes 10";
    assert_eq!(cost(&told, "v=spf1 mx -all"), Cost::Broken(expected.to_owned()));
    assert_eq!(bill(cost(&told, "v=spf1 mx:b.example -all")).lookups, 1);
}

#[test]
fn an_included_record_that_lets_everybody_send_is_told() {
    let told = Told {
        texts: &[
            ("open.example", &["v=spf1 +all"]),
            ("shut.example", &["v=spf1 ?all"]),
            ("between.example", &["v=spf1 redirect=open.example"]),
        ],
        ..Told::default()
    };
    let open = |domain: &str| bill(cost(&told, &format!("v=spf1 include:{domain} -all"))).open;
    assert_eq!(open("open.example"), Some("open.example".to_owned()));
    assert_eq!(open("shut.example"), None);
    // RFC 7208 §5.2: whoever fits there may send only if the sign says so.
    let signed = |record: &str| bill(cost(&told, record)).open;
    assert_eq!(signed("v=spf1 ?include:open.example -all"), None);
    assert_eq!(signed("v=spf1 redirect=open.example"), Some("open.example".to_owned()));
    assert_eq!(signed("v=spf1 ~include:between.example -all"), None);
    assert_eq!(signed("v=spf1 include:between.example -all"), Some("open.example".to_owned()));
}
