//! Senders that are shown as others.

use super::pattern::fits;
use crate::smtp::Mailbox;
use std::cmp::Reverse;

/// Which senders are shown as which.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Masquerade(Vec<(String, Mailbox)>);

impl Masquerade {
    /// Shows whoever the pattern fits as this address; `*` before its `@`
    /// stands for the local part that is masked. Fails with a clause about the
    /// address.
    pub(super) fn add(&mut self, pattern: &str, address: &str) -> Result<(), String> {
        let shown: Mailbox =
            address.parse().map_err(|why| format!("‘{address}’ is not a mail address: {why}"))?;
        if shown.local_part().matches('*').count() > 1 {
            return Err(format!("‘{address}’ has more than one *"));
        }
        self.0.push((pattern.to_owned(), shown));
        // The pattern that says most comes first.
        let said = |pattern: &str| pattern.chars().filter(|c| !"*?".contains(*c)).count();
        self.0.sort_by_key(|(pattern, _)| (Reverse(said(pattern)), pattern.clone()));
        Ok(())
    }

    /// Each pattern with the address that is shown, in the order in which they
    /// are tried.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Mailbox)> {
        self.0.iter().map(|(pattern, shown)| (pattern.as_str(), shown))
    }

    /// What a sender is shown as, if that is another address.
    pub fn of(&self, sender: &Mailbox) -> Option<Mailbox> {
        let address = sender.to_string();
        let (_, shown) = self.0.iter().find(|(pattern, _)| fits(pattern, &address))?;
        let local = shown.local_part().replace('*', sender.local_part());
        Mailbox::new(&local, shown.domain().clone()).ok().filter(|shown| shown != sender)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pattern_that_says_most_decides() {
        let mut map = Masquerade::default();
        for (pattern, address) in [
            ("*", "rest@example.org"),
            ("*@box.example.org", "*@example.org"),
            ("root@box.example.org", "alerts@example.org"),
            ("*@*.example.net", "net+*@example.org"),
        ] {
            map.add(pattern, address).unwrap();
        }
        for (sender, expected) in [
            ("root@BOX.example.org", Some("alerts@example.org")),
            ("bob@box.example.org", Some("bob@example.org")),
            ("bob@a.example.net", Some("net+bob@example.org")),
            ("bob@elsewhere.example", Some("rest@example.org")),
            ("rest@example.org", None),
        ] {
            let shown = map.of(&sender.parse().unwrap()).map(|shown| shown.to_string());
            assert_eq!(shown.as_deref(), expected, "{sender}");
        }
    }

    #[test]
    fn an_address_to_show_is_whole_and_has_one_star_at_most() {
        for address in ["root", "*", "*@*", "*-*@example.org", "a b@example.org", "a@b\r\nc"] {
            assert!(Masquerade::default().add("*", address).is_err(), "{address}");
        }
    }
}
