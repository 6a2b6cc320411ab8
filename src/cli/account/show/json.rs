//! The same as one object for programs.

use super::{Shown, option, sign_ins, text};
use crate::account::{Account, Chosen, Place, SecretSource, ServerUrl, SignIn};
use crate::cli::account::reason::ChosenJson;
use crate::cli::account::values::Value;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::hint::Hint;
use crate::sasl::Proof;
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Serialize)]
pub(super) struct ShowJson<'a> {
    version: u8,
    chosen: ChosenJson<'a>,
    extends: Vec<&'a str>,
    values: BTreeMap<&'static str, ValueJson<'a>>,
    servers: Vec<ServerJson>,
    warnings: Vec<WarningJson<'a>>,
    exit: u8,
}

impl<'a> ShowJson<'a> {
    pub(super) fn of(
        chosen: &Chosen<'a>,
        values: &[Shown<'a>],
        servers: Vec<ServerJson>,
        problems: &'a [Failure],
        exit: Exit,
    ) -> Self {
        ShowJson {
            version: 1,
            chosen: ChosenJson::of(chosen),
            extends: chosen.extends().map(|(names, _)| names).unwrap_or_default(),
            values: values.iter().map(|shown| (shown.row.key, ValueJson::of(shown))).collect(),
            servers,
            warnings: problems.iter().map(WarningJson::of).collect(),
            exit: exit.status(),
        }
    }
}

#[derive(Serialize)]
struct ValueJson<'a> {
    value: Option<serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usable: Option<bool>,
    by: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    option: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    variable: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
}

impl<'a> ValueJson<'a> {
    fn of(shown: &Shown<'a>) -> Self {
        let value = match &shown.value {
            Value::Text(text) => Some(text.clone().into()),
            Value::List(texts) => Some(texts.clone().into()),
            Value::YesNo(yes) => Some((*yes).into()),
            Value::Duration(duration) => Some(duration.as_secs().into()),
            Value::Secret(source) => Some(source.to_string().into()),
            Value::None(_) => None,
        };
        let json = ValueJson {
            value,
            usable: shown.usable,
            by: "default",
            option: None,
            variable: None,
            account: None,
            file: None,
            line: None,
        };
        match shown.place {
            Place::Default => json,
            Place::CommandLine => {
                ValueJson { by: "option", option: Some(option(shown.row.key)), ..json }
            }
            Place::Variable(name) => ValueJson { by: "variable", variable: Some(name), ..json },
            Place::File { account, file, line } => ValueJson {
                by: "file",
                account: Some(account),
                file: Some(file.display().to_string()),
                line: Some(line),
                ..json
            },
        }
    }
}

#[derive(Serialize)]
pub(super) struct ServerJson {
    url: String,
    user: Option<String>,
    password: Option<String>,
    token: Option<String>,
    oauth2: Option<String>,
}

/// The servers in order, each with who signs in there.
pub(super) fn servers(account: &Account) -> Vec<ServerJson> {
    let servers = account.servers.iter().zip(sign_ins(account));
    servers.map(|(url, sign_in)| ServerJson::of(url, sign_in)).collect()
}

impl ServerJson {
    fn of(url: &ServerUrl, sign_in: Option<SignIn>) -> Self {
        let url_holds_it = url.has_password();
        let url = url.to_string();
        let Some(sign_in) = sign_in else {
            return ServerJson { url, user: None, password: None, token: None, oauth2: None };
        };
        let password = match (&sign_in.password, sign_in.proof()) {
            _ if url_holds_it => Some("the URL".to_owned()),
            (SecretSource::Prompt, Proof::Token) => None,
            (source, _) => Some(source.to_string()),
        };
        ServerJson {
            url,
            user: sign_in.user,
            password,
            token: sign_in.token.map(|source| source.to_string()),
            oauth2: sign_in.oauth2.map(|oauth2| oauth2.to_string()),
        }
    }
}

#[derive(Serialize)]
struct WarningJson<'a> {
    message: String,
    hints: &'a [Hint],
}

impl<'a> WarningJson<'a> {
    fn of(problem: &'a Failure) -> Self {
        WarningJson { message: text(problem), hints: &problem.hints }
    }
}
