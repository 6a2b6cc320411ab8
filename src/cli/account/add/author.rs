//! Whose account it is.

use crate::cli::args::AddArgs;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::message::list;
use crate::cli::questions::Questions;
use crate::message::Address;
use crate::smtp::Mailbox;

/// The author of the account's messages.
pub(super) struct Author {
    name: Option<String>,
    pub(super) mailbox: Mailbox,
}

impl Author {
    /// As typed, else as answered.
    pub(super) fn of(args: &AddArgs, questions: &Questions<'_>) -> Result<Self, Failure> {
        let typed = match &args.address {
            Some(typed) => typed.clone(),
            None => questions.text("Your mail address:", "envoi account add ADDRESS")?,
        };
        let mut addresses = list("ADDRESS", [&typed])?.into_iter();
        let (Some(Address::Mailbox { name, mailbox }), None) = (addresses.next(), addresses.next())
        else {
            let sentence = "an account is for one address";
            return Err(Failure::say(Exit::Usage, sentence)
                .hint("envoi account add 'Alice Example <alice@example.org>'"));
        };
        let name = match (&args.full_name, name) {
            (Some(name), _) => Some(name.clone()),
            (None, Some(name)) => Some(name),
            (None, None) if questions.is_somebody_there() => {
                Some(questions.text("Your name, as others see it (may be empty):", "--full-name")?)
            }
            (None, None) => None,
        };
        if name.as_deref().is_some_and(|name| name.contains(char::is_control)) {
            return Err(Failure::say(Exit::Usage, "--full-name has a control character"));
        }
        Ok(Author { name: name.filter(|name| !name.trim().is_empty()), mailbox })
    }

    /// As a configuration has it: `Alice Example <alice@example.org>`, the name
    /// in quotation marks where the grammar of addresses wants that (RFC 5322
    /// §3.2.4).
    pub(super) fn text(&self) -> String {
        let Some(name) = &self.name else { return self.mailbox.to_string() };
        let plain =
            |c: char| c.is_alphanumeric() || !c.is_ascii() || " -_'!#$%&*+/=?^`{|}~".contains(c);
        if name.chars().all(plain) {
            return format!("{name} <{}>", self.mailbox);
        }
        let escaped = name.replace('\\', "\\\\").replace('"', "\\\"");
        format!("\"{escaped}\" <{}>", self.mailbox)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_written_as_it_can_be_read() {
        for name in ["Alice", "Alice B. Example", "Doe, John", "a \"b\" \\c", "Ünal Çelik", "a@b"]
        {
            let mailbox: Mailbox = "a@b.c".parse().unwrap();
            let author = Author { name: Some(name.to_owned()), mailbox: mailbox.clone() };
            let read = list("x", [&author.text()]).unwrap();
            assert_eq!(read, [Address::Mailbox { name: Some(name.to_owned()), mailbox }]);
        }
    }
}
