//! `auth`, `user`, and where the password is.

use super::super::{Context, Meaning};
use super::settings::Account;
use super::{Said, eval};
use crate::account::secret::{SecretSource, Whose, keyring_is_near};
use crate::account::settings::mechanism;
use crate::net::Security;
use crate::sasl::{Entry, Proof, Secret};

/// Who signs in, and how.
pub(super) fn fill(account: &mut Account, said: &Said, context: Context<'_>, security: Security) {
    let auth = said.text("auth").unwrap_or("off");
    let line = said.line("auth").unwrap_or_default();
    let of_user = ["user", "password", "passwordeval"];
    if auth == "off" {
        account.mean(line, Meaning::already("nobody signs in"));
        return account.skip(said, &of_user, "auth is off, so nobody signs in");
    }
    let named = (auth != "on").then(|| mechanism(auth)).flatten();
    if auth != "on" && named.is_none() {
        let reason = format!("envoi does not have {}", auth.to_uppercase());
        account.mean(line, Meaning::lost(reason, "the best that the server offers is used"));
    }
    let entry = named.and_then(Entry::named);
    let user = said.text("user");
    if user.is_none() && entry.is_none_or(|entry| entry.needs_user) {
        let meaning = Meaning::lost("it does not say who signs in", "name somebody: user = \"…\"");
        account.mean(line, meaning);
        return account.skip(said, &of_user, "nobody is named who signs in");
    }
    account.settings.user = user.map(str::to_owned);
    account.settings.auth = named.map(|name| vec![name]);
    let exposes = entry.is_some_and(|entry| entry.exposes_secret);
    if security == Security::Cleartext && exposes {
        account.settings.allow_cleartext_auth = Some(true);
        account.warn(line, "the password goes over the network in clear");
    } else if security != Security::Cleartext && said.is("tls_certcheck", "off") {
        account.settings.allow_cleartext_auth = Some(true);
        account.warn(line, "the password goes to whoever answers: no certificate is checked");
    } else {
        // As envoi would have it.
    }
    secret(account, said, context, entry);
}

/// Where the password is, or the token.
fn secret(account: &mut Account, said: &Said, context: Context<'_>, entry: Option<&Entry>) {
    match entry.map(|entry| entry.proof) {
        Some(Proof::Token) => account.settings.token = named(account, said),
        Some(Proof::Nothing) => account.skip(said, &["password", "passwordeval"], "none is needed"),
        Some(Proof::Password) | None => {
            account.settings.password =
                named(account, said).or_else(|| found(account, said, context));
        }
    }
}

/// What the file names: msmtp prefers the password itself.
fn named(account: &mut Account, said: &Said) -> Option<SecretSource> {
    let Some(word) = said.every.get("password").filter(|word| !word.octets.is_empty()) else {
        return said.text("passwordeval").map(eval::printed);
    };
    account.skip(said, &["passwordeval"], "password says it already");
    Some(match &word.computed {
        Some(command) => eval::in_line(command),
        None => SecretSource::Value(Secret::new(word.octets.to_vec())),
    })
}

/// Where msmtp would look next: it asks the keyring, then reads the netrc file,
/// then asks the user. What is in the keyring shows only to who may unlock it,
/// so the file is looked at first.
fn found(account: &mut Account, said: &Said, context: Context<'_>) -> Option<SecretSource> {
    let whose = Whose { user: said.text("user")?, host: said.text("host")? };
    let netrc = SecretSource::Netrc(None);
    if netrc.read(whose, context.world()).is_ok() {
        account.remarks.push("its password is in the netrc file".to_owned());
        return Some(netrc);
    }
    if keyring_is_near(context.environment) {
        account.remarks.push("its password is looked for in the keyring".to_owned());
        return Some(SecretSource::Keyring);
    }
    account.remarks.push("nothing says where its password is: it is asked for".to_owned());
    None
}
