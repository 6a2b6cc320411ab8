use super::super::chosen::Place;
use super::super::secret::SecretSource;
use super::super::server::{Origin, ServerUrl};
use super::*;

/// What a file says, together with an environment.
fn accounts(text: &str, environment: &Environment) -> Result<Accounts, Error> {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("config.toml");
    std::fs::write(&file, text).unwrap();
    Accounts::read(
        Files { only: Some(file), system: PathBuf::from("/nowhere"), user: None },
        environment,
    )
}

fn bare() -> Environment {
    Environment::from([("HOME", "/home/alice")])
}

fn typed(server: &str) -> Settings {
    let url = ServerUrl::parse(server, Origin::CommandLine).unwrap();
    Settings { servers: Some(vec![url]), ..Settings::default() }
}

fn server_of(account: &Account) -> String {
    account.servers[0].to_string()
}

const TWO: &str = "
[accounts.home]
from = 'Alice <alice@home.example>'
server = 'smtps://home.example'
[accounts.work]
from = 'alice@work.example'
match = ['*@work.example', 'sales@*']
server = 'smtps://work.example'
user = 'alice'
password = { env = 'WORK' }
";

#[test]
fn the_first_that_says_something_decides() {
    let with_default = format!("default = 'home'\n{TWO}");
    let account = [("ENVOI_ACCOUNT", "work"), ("ENVOI_SERVER", "sink:")];
    let server = [("ENVOI_SERVER", "smtps://env.example")];
    let nothing: [(&str, &str); 0] = [];
    let work = Some("alice@work.example");
    for (environment, named, given, sender, expected) in [
        (Environment::from(account), Some("home"), Some("sink:"), work, "sink:"),
        (Environment::from(account), Some("home"), None, work, "smtps://home.example"),
        (Environment::from(account), None, Some("smtps://typed"), work, "smtps://typed"),
        (Environment::from(account), None, None, None, "smtps://work.example"),
        (Environment::from(server), None, None, work, "smtps://env.example"),
        (Environment::from(nothing), None, None, work, "smtps://work.example"),
        (Environment::from(nothing), None, None, Some("x@y.z"), "smtps://home.example"),
        (Environment::from(nothing), None, None, None, "smtps://home.example"),
    ] {
        let accounts = accounts(&with_default, &environment).unwrap();
        let typed = given.map(typed).unwrap_or_default();
        let account = accounts.choose(Choice { named, sender, typed }).unwrap();
        assert_eq!(server_of(&account), expected, "{named:?} {given:?} {sender:?}");
    }
}

#[test]
fn the_sender_is_looked_for_in_from_and_then_in_match() {
    let accounts = accounts(TWO, &bare()).unwrap();
    for (sender, expected) in [
        ("alice@home.example", "home"),
        ("Alice <alice@HOME.example>", "home"),
        ("bob@work.example", "work"),
        ("sales@anywhere.example", "work"),
    ] {
        let choice = Choice { sender: Some(sender), ..Choice::default() };
        assert_eq!(accounts.choose(choice).unwrap().name.as_deref(), Some(expected), "{sender}");
    }
}

#[test]
fn a_sender_is_known_in_any_case_with_its_name_and_with_a_detail() {
    let accounts = accounts(TWO, &bare()).unwrap();
    for (sender, expected) in [
        ("ALICE@home.example", Some("home")),
        ("Alice <alice+lists@home.example>", Some("home")),
        ("Sales@Anywhere.example", Some("work")),
        ("alice@home.example (Alice)", Some("home")),
        ("alice@home.example, bob@work.example", Some("home")),
        ("bob+alice@home.example", None),
    ] {
        let choice = Choice { sender: Some(sender), ..Choice::default() };
        let chosen = accounts.choose(choice).ok().and_then(|account| account.name);
        assert_eq!(chosen.as_deref(), expected, "{sender}");
    }
}

#[test]
fn a_choice_knows_its_reason() {
    let text = "default = 'home'\n[accounts.home]\nfrom = 'Alice@Home.example'\nserver = 'sink:'\n\
                [accounts.work]\nmatch = '*@home.example'\nserver = 'sink:'\n";
    let accounts = accounts(text, &bare()).unwrap();
    let reason = |named, sender| {
        let choice = Choice { named, sender, ..Choice::default() };
        format!("{:?}", accounts.decide(choice).unwrap().reason())
    };
    assert_eq!(reason(Some("work"), None), "Named");
    assert_eq!(reason(None, None), "Default { sender: None }");
    assert!(reason(None, Some("x@y.z")).starts_with("Default { sender: Some(\"x@y.z\")"));
    assert!(reason(None, Some("alice@home.example")).contains("fit: From"));
    assert!(reason(None, Some("bob@home.example")).contains("fit: Match"));
}

#[test]
fn each_value_knows_who_says_it() {
    let text = "[accounts.a]\nfrom = 'a@x'\nserver = 'smtps://a'\nuser = 'u'\nipv6 = true\n\
                match = '*@x'\n[accounts.b]\nextends = 'a'\n\nserver = 'smtps://b'\nipv4 = true\n";
    let environment = Environment::from([("ENVOI_FROM", "f@x"), ("ENVOI_PASSWORD", "p")]);
    let accounts = accounts(text, &environment).unwrap();
    let typed = Settings { tls_verify: Some(false), ..Settings::default() };
    let chosen = accounts.decide(Choice { named: Some("b"), sender: None, typed }).unwrap();
    let line = |key: &str, is_said: fn(&Settings) -> bool| match chosen.place(key, is_said) {
        Place::File { account, line, .. } => format!("{account}:{line}"),
        place => format!("{place:?}"),
    };
    assert_eq!(line("server", |said| said.servers.is_some()), "b:10");
    assert_eq!(line("user", |said| said.user.is_some()), "a:4");
    assert_eq!(line("from", |said| said.from.is_some()), "Variable(\"ENVOI_FROM\")");
    assert_eq!(line("password", |said| said.password.is_some()), "Variable(\"ENVOI_PASSWORD\")");
    assert_eq!(line("tls-verify", |said| said.tls_verify.is_some()), "CommandLine");
    assert_eq!(line("helo", |said| said.helo.is_some()), "Default");
    // The senders of another account are not this one's.
    assert_eq!(line("match", |said| said.matches.is_some()), "Default");
    assert_eq!(chosen.extends().unwrap().0, ["a"]);
}

#[test]
fn envoi_from_is_the_sender_and_the_author() {
    let environment = Environment::from([("ENVOI_FROM", "Bob <bob@work.example>")]);
    let account = accounts(TWO, &environment).unwrap().choose(Choice::default()).unwrap();
    assert_eq!(account.name.as_deref(), Some("work"));
    assert_eq!(account.from.as_deref(), Some("Bob <bob@work.example>"));
}

#[test]
fn the_only_account_is_the_one() {
    let accounts = accounts("[accounts.a]\nserver = 'sink:'", &bare()).unwrap();
    let choice = Choice { sender: Some("x@y.z"), ..Choice::default() };
    assert_eq!(accounts.choose(choice).unwrap().name.as_deref(), Some("a"));
}

#[test]
fn without_anything_to_decide_the_names_are_told() {
    let both = accounts(TWO, &bare()).unwrap();
    let Err(Error::NoChoice { names, .. }) = both.choose(Choice::default()) else { panic!() };
    assert_eq!(names, ["home", "work"]);
    let none = accounts("", &bare()).unwrap();
    assert!(matches!(none.choose(Choice::default()), Err(Error::NoAccounts)));
}

#[test]
fn a_sender_that_fits_two_accounts_needs_the_default() {
    let text = "[accounts.a]\nserver = 'sink:'\nmatch = ['*@x']\n\
                [accounts.b]\nserver = 'sink:'\nmatch = ['y@*']\n";
    let choice = || Choice { sender: Some("y@x"), ..Choice::default() };
    let Err(Error::Ambiguous { names, .. }) = accounts(text, &bare()).unwrap().choose(choice())
    else {
        panic!()
    };
    assert_eq!(names, ["a", "b"]);
    let text = format!("default = 'b'\n{text}");
    let account = accounts(&text, &bare()).unwrap().choose(choice()).unwrap();
    assert_eq!(account.name.as_deref(), Some("b"));
}

#[test]
fn an_account_says_the_rest_of_one_that_extends_it() {
    let text = "[accounts.a]\nfrom = 'a@x'\nserver = 'smtps://a'\nuser = 'u'\nhelo = 'h.x'\n\
                [accounts.b]\nextends = 'a'\nserver = 'smtps://b'\n\
                [accounts.c]\nextends = 'b'\nuser = 'v'\n";
    let accounts = accounts(text, &bare()).unwrap();
    let choice = Choice { named: Some("c"), ..Choice::default() };
    let account = accounts.choose(choice).unwrap();
    assert_eq!((server_of(&account).as_str(), account.user.as_deref()), ("smtps://b", Some("v")));
    assert_eq!(account.helo.unwrap().to_string(), "h.x");
    let choice = Choice { sender: Some("a@x"), ..Choice::default() };
    assert_eq!(accounts.choose(choice).unwrap().name.as_deref(), Some("a"));
}

#[test]
fn an_account_that_extends_itself_or_nothing_is_an_error() {
    let text = "[accounts.a]\nextends = 'b'\n[accounts.b]\nextends = 'a'\n\
                [accounts.c]\nextends = 'd'\n";
    let accounts = accounts(text, &bare()).unwrap();
    let choose = |named| accounts.choose(Choice { named: Some(named), ..Choice::default() });
    assert!(matches!(choose("a"), Err(Error::Circle { .. })));
    let Err(Error::UnknownAccount { by: NamedBy::Extends(at), .. }) = choose("c") else { panic!() };
    assert_eq!(at.line, 6);
}

#[test]
fn an_unknown_account_is_told_with_the_nearest_one() {
    let told = |error| match error {
        Err(Error::UnknownAccount { name, nearest, names, .. }) => (name, nearest, names),
        _ => panic!(),
    };
    let accounts_of = |environment: &Environment| accounts(TWO, environment).unwrap();
    let choice = Choice { named: Some("wrok"), ..Choice::default() };
    let (name, nearest, names) = told(accounts_of(&bare()).choose(choice).map(|_| ()));
    assert_eq!((name.as_str(), nearest.as_deref()), ("wrok", Some("work")));
    assert_eq!(names, ["home", "work"]);
    let environment = Environment::from([("ENVOI_ACCOUNT", "homer")]);
    let (_, nearest, _) = told(accounts_of(&environment).choose(Choice::default()).map(|_| ()));
    assert_eq!(nearest.as_deref(), Some("home"));
    let (_, nearest, _) = told(accounts(&format!("default='hom'\n{TWO}"), &bare()).map(|_| ()));
    assert_eq!(nearest.as_deref(), Some("home"));
}

#[test]
fn the_environment_alone_is_an_account() {
    let environment = Environment::from([
        ("ENVOI_SERVER", "smtps://mail.example.org"),
        ("ENVOI_USER", "alice"),
        ("ENVOI_PASSWORD", "p"),
    ]);
    let account = accounts("", &environment).unwrap().choose(Choice::default()).unwrap();
    assert_eq!((account.name.as_deref(), account.user.as_deref()), (None, Some("alice")));
    assert_eq!(account.password, Some(SecretSource::Env("ENVOI_PASSWORD".into())));
    let both = Environment::from([("ENVOI_PASSWORD", "p"), ("ENVOI_PASSWORD_FILE", "/p")]);
    assert!(matches!(accounts("", &both), Err(Error::Variable { .. })));
}

#[test]
fn a_password_of_the_environment_goes_to_no_other_server_and_no_other_user() {
    // SEC-7
    let with_server = [
        ("ENVOI_SERVER", "smtps://mail.example.org"),
        ("ENVOI_USER", "alice"),
        ("ENVOI_PASSWORD", "p"),
    ];
    let choose = |variables: &[(&str, &str)], named: Option<&str>, typed: Settings| {
        let environment: Environment = variables.iter().copied().collect();
        let accounts = accounts(TWO, &environment).unwrap();
        accounts.choose(Choice { named, sender: None, typed }).unwrap()
    };
    let elsewhere = choose(&with_server, None, typed("smtps://other.example"));
    assert_eq!((elsewhere.user, elsewhere.password), (None, None));
    let named = choose(&with_server, Some("home"), Settings::default());
    assert_eq!((named.user, named.password), (None, None));

    let lent = choose(&with_server[1..], None, typed("smtps://other.example"));
    assert_eq!(lent.user.as_deref(), Some("alice"));
    assert_eq!(lent.password, Some(SecretSource::Env("ENVOI_PASSWORD".into())));
    let own = choose(&with_server[1..], Some("work"), Settings::default());
    assert_eq!(own.password, Some(SecretSource::Env("WORK".into())));
    for settings in [
        Settings { user: Some("bob".into()), ..typed("smtps://other.example") },
        typed("smtps://bob@other.example"),
    ] {
        assert_eq!(choose(&with_server[1..], None, settings).password, None);
    }
}

#[test]
fn a_user_without_a_password_is_asked_and_a_url_names_its_own() {
    let environment = Environment::from([("ENVOI_SERVER", "smtps://alice:p@mail.example.org")]);
    let account = accounts("", &environment).unwrap().choose(Choice::default()).unwrap();
    let sign_in = |account: &Account| match &account.servers[0] {
        ServerUrl::Smtp(server) => account.sign_in(server),
        ServerUrl::Sink(_) => None,
    };
    let own = sign_in(&account).unwrap();
    assert_eq!(own.user.as_deref(), Some("alice"));
    assert_eq!(own.password, SecretSource::Value(crate::sasl::Secret::new("p")));

    let choose =
        |typed| accounts("", &bare()).unwrap().choose(Choice { typed, ..Choice::default() });
    let asked = sign_in(&choose(typed("smtps://alice@mail.example.org")).unwrap()).unwrap();
    assert_eq!(asked.password, SecretSource::Prompt);
    assert_eq!(sign_in(&choose(typed("smtps://mail.example.org")).unwrap()), None);
}

#[test]
fn an_account_that_contradicts_itself_is_an_error() {
    let text = "[accounts.a]\nserver = 'smtps://a'\npassword = { env = 'P' }\n\
                [accounts.b]\nuser = 'u'\n\
                [accounts.c]\nserver = 'smtps://a'\nipv4 = true\nipv6 = true\n";
    let accounts = accounts(text, &bare()).unwrap();
    let choose = |named| accounts.choose(Choice { named: Some(named), ..Choice::default() });
    assert!(matches!(choose("a"), Err(Error::NoUser { .. })));
    assert!(matches!(choose("b"), Err(Error::NoServer { .. })));
    assert!(matches!(choose("c"), Err(Error::Families { .. })));
}
