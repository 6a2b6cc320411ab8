//! What is imported, as a configuration has it.

use super::text::MASK;
use super::{Import, Imported, Meaning};
use crate::account::edit::{Edit, EditError};
use crate::account::rewriting::{FromRule, RewriteSettings};
use crate::account::secret::SecretSource;
use crate::account::settings::Settings;
use crate::account::written::{Unwritable, table};
use crate::sasl::Secret;
use toml_edit::{DocumentMut, Item, Table, Value};

impl Import {
    /// What would be written, with `***` in place of secrets.
    pub fn preview(&self) -> Result<String, Unwritable> {
        let mut document = DocumentMut::new();
        if let Some(default) = &self.default {
            document.insert("default", Item::Value(Value::from(default)));
        }
        let rewrite = rewrite(&self.rewrite);
        if !rewrite.is_empty() {
            let table: Table =
                rewrite.into_iter().map(|(key, value)| (key, Item::Value(value))).collect();
            document.insert("rewrite", Item::Table(table));
        }
        let mut accounts = Table::new();
        accounts.set_implicit(true);
        for account in &self.accounts {
            accounts.insert(&account.name, Item::Table(table(&account.masked())?));
        }
        if !accounts.is_empty() {
            document.insert("accounts", Item::Table(accounts));
        }
        Ok(document.to_string().trim_start().to_owned())
    }

    /// The value of a key of `[rewrite]`.
    pub fn rewrite_value(&self, key: &str) -> Option<String> {
        let values = rewrite(&self.rewrite);
        let found = values.into_iter().find(|(known, _)| *known == key);
        found.map(|(_, value)| value.to_string())
    }

    /// Puts everything into a configuration, which is not saved yet. An account
    /// that is there already is an error unless it may be replaced; a default
    /// that is there already stays, and is none of what is imported then; a key
    /// of `[rewrite]` likewise, unless it may be replaced.
    pub fn put(&mut self, edit: &mut Edit, may_replace: bool) -> Result<(), EditError> {
        let has_others = edit.has_others(self.accounts.iter().map(|account| account.name.as_str()));
        for Imported { name, settings, .. } in &self.accounts {
            if may_replace {
                edit.replace(name, settings)?;
            } else {
                edit.add(name, settings)?;
            }
        }
        match (&self.default, edit.default()) {
            (Some(default), None) => edit.set_default(default),
            (Some(default), Some(before)) if default != before => {
                let remark = format!("the default stays: it is ‘{before}’, and not ‘{default}’");
                self.remarks.push(remark);
                self.default = None;
            }
            (Some(_), Some(_)) | (None, _) => {}
        }
        for (key, value) in rewrite(&self.rewrite) {
            self.put_rewrite(key, value, edit, may_replace, has_others);
        }
        Ok(())
    }

    /// A key of `[rewrite]` is for every account, those that were there too.
    fn put_rewrite(
        &mut self,
        key: &'static str,
        value: Value,
        edit: &mut Edit,
        may_replace: bool,
        has_others: bool,
    ) {
        let before = edit.rewrite(key).map(|before| before.to_string().trim().to_owned());
        match before {
            Some(before) if before == value.to_string() => {}
            Some(before) if !may_replace => {
                self.remarks.push(format!(
                    "[rewrite] {key} stays: it is {before}, and not {value}; to replace it and \
                     accounts of the same names: --replace"
                ));
                self.leave_out(key);
            }
            Some(_) | None => {
                if has_others {
                    let remark = format!(
                        "[rewrite] {key} = {value} is for the accounts that were there, too"
                    );
                    self.remarks.push(remark);
                }
                edit.set_rewrite(key, value);
            }
        }
    }

    /// Takes a key of `[rewrite]` back.
    fn leave_out(&mut self, key: &'static str) {
        let RewriteSettings { domain, aliases, from } = &mut self.rewrite;
        match key {
            "domain" => *domain = None,
            "aliases" => *aliases = None,
            _ => *from = None,
        }
        for line in self.lines.iter_mut().filter(|line| line.meaning == Meaning::Rewrite(key)) {
            line.meaning = Meaning::already("what is there stays");
        }
    }
}

impl Imported {
    /// The value of a key as it would be written, `***` in place of a secret.
    pub fn value(&self, key: &str) -> Option<String> {
        let table = table(&self.masked()).ok()?;
        table.get(key).map(|value| value.to_string().trim().to_owned())
    }

    /// The settings without their secrets. A command may have one among its
    /// words.
    fn masked(&self) -> Settings {
        let masked = |source: &Option<SecretSource>| {
            source.clone().map(|source| match source {
                SecretSource::Value(_) => SecretSource::Value(Secret::new(MASK)),
                SecretSource::Command(mut words) => {
                    if let Some(last) = words.last_mut() {
                        MASK.clone_into(last);
                    }
                    SecretSource::Command(words)
                }
                SecretSource::Env(_)
                | SecretSource::File(_)
                | SecretSource::Fd(_)
                | SecretSource::Credential(_)
                | SecretSource::Keyring
                | SecretSource::Netrc(_)
                | SecretSource::Prompt => source,
            })
        };
        let password = masked(&self.settings.password);
        let token = masked(&self.settings.token);
        Settings { password, token, ..self.settings.clone() }
    }
}

/// The keys of `[rewrite]` that say something.
fn rewrite(said: &RewriteSettings) -> Vec<(&'static str, Value)> {
    let named = |rule| FromRule::ALL.iter().find(|(_, known)| *known == rule);
    let domain = said.domain.as_ref().map(|domain| Value::from(domain.to_string()));
    let aliases = said.aliases.as_ref().and_then(|file| file.to_str()).map(Value::from);
    let from = said.from.and_then(named).map(|(name, _)| Value::from(*name));
    [("domain", domain), ("aliases", aliases), ("from", from)]
        .into_iter()
        .filter_map(|(key, value)| Some((key, value?)))
        .collect()
}
