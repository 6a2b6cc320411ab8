//! Logging out, and what is given back.

use crate::issuer::{Issuer, Said};
use crate::{kept, place};

#[test]
fn whoever_logs_out_keeps_nothing_and_gives_it_back() {
    // 7009-2
    let issuer = Issuer::kind();
    let place = place(&issuer.url, None);
    crate::put(&place, &issuer, "access-0", None);
    let run = place.run(["account", "logout", "work"], None);
    assert_eq!((run.status, run.stdout), (0, format!("alice is logged out at {}\n", issuer.url)));
    let asked = issuer.asked("/revoke").remove(0);
    assert_eq!((asked.field("token"), asked.field("client_id")), ("refresh-word", "envoi"));
    assert!(kept(&place).is_none());
    let run = place.run(["account", "logout", "work"], None);
    assert_eq!(
        (run.status, run.stdout),
        (0, format!("alice was not logged in at {}\n", issuer.url))
    );
}

#[test]
fn tokens_that_the_issuer_does_not_take_back_are_removed_all_the_same() {
    let issuer = Issuer::start(|_, _| Some(Said::Html(503, "busy")));
    let place = place(&issuer.url, None);
    crate::put(&place, &issuer, "access-0", None);
    let run = place.run(["account", "logout", "work"], None);
    assert_eq!(run.status, 0, "{run}");
    assert!(
        run.stderr.starts_with("warning: the tokens are removed, but not given back: "),
        "{run}"
    );
    assert!(kept(&place).is_none());
}
