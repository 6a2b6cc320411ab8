//! lettre as a program: sends files that it is given ready, or a message of lettre's
//! own, to the server of `SMTP_HOST` and `SMTP_PORT`.
//!
//! `lettre [OPTION VALUE]... RECIPIENT...`; the options stand in [`Options`].

#![expect(
    clippy::disallowed_methods,
    reason = "the rules of the program above are not for this one"
)]

use std::net::IpAddr;
use std::process::ExitCode;
use std::time::Duration;
use std::{env, error, fs};

use lettre::address::Envelope;
use lettre::message::{Attachment, Message, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{
    Certificate, Identity, SmtpConnection, Tls, TlsParameters, TlsVersion,
};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::{PoolConfig, SmtpTransport, SmtpTransportBuilder};
use lettre::{Address, Transport};

type Outcome<T> = Result<T, Box<dyn error::Error>>;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // With what caused it.
            eprintln!("lettre: {error}: {error:?}");
            ExitCode::FAILURE
        }
    }
}

/// What was typed.
#[derive(Default)]
struct Options {
    /// `--tls none|optional|required|wrapper`
    tls: String,
    /// `--ca FILE`
    ca: Option<String>,
    /// `--identity FILE --key FILE`
    identity: Option<String>,
    key: String,
    /// `--min-tls 1.3`
    min_tls: Option<String>,
    /// `--accept certificates|names`, whatever they are
    accept: Option<String>,
    /// `--auth plain|login|xoauth2`
    auth: Option<String>,
    /// `--user NAME` and `--secret SECRET`
    user: Option<String>,
    secret: String,
    /// `--url URL`, in place of all those
    url: Option<String>,
    /// `--from ADDRESS`; nothing for the null sender
    from: Option<String>,
    /// `--file FILE`, once for each message
    files: Vec<String>,
    /// `--local ADDRESS`, from where to connect
    local: Option<IpAddr>,
    /// `--attach FILE`, to a message of lettre's own
    attach: Option<String>,
    /// `--test yes`
    test: bool,
    recipients: Vec<String>,
}

impl Options {
    fn read() -> Outcome<Self> {
        let mut options = Self { from: Some("me@client.example".to_owned()), ..Self::default() };
        let mut words = env::args().skip(1);
        while let Some(word) = words.next() {
            let Some(name) = word.strip_prefix("--") else {
                options.recipients.push(word);
                continue;
            };
            let value = words.next().ok_or("an option wants a value")?;
            match name {
                "tls" => options.tls = value,
                "ca" => options.ca = Some(value),
                "identity" => options.identity = Some(value),
                "key" => options.key = value,
                "min-tls" => options.min_tls = Some(value),
                "accept" => options.accept = Some(value),
                "auth" => options.auth = Some(value),
                "user" => options.user = Some(value),
                "secret" => options.secret = value,
                "url" => options.url = Some(value),
                "from" => options.from = (!value.is_empty()).then_some(value),
                "file" => options.files.push(value),
                "local" => options.local = Some(value.parse()?),
                "attach" => options.attach = Some(value),
                "test" => options.test = true,
                _ => return Err(format!("there is no --{name}").into()),
            }
        }
        Ok(options)
    }

    fn envelope(&self) -> Outcome<Envelope> {
        let from = self.from.as_deref().map(str::parse::<Address>).transpose()?;
        let to = self.recipients.iter().map(|it| it.parse()).collect::<Result<Vec<_>, _>>()?;
        Ok(Envelope::new(from, to)?)
    }

    fn tls(&self) -> Outcome<Tls> {
        let parameters = self.parameters();
        Ok(match self.tls.as_str() {
            "none" => Tls::None,
            "optional" => Tls::Opportunistic(parameters?),
            "required" => Tls::Required(parameters?),
            "wrapper" => Tls::Wrapper(parameters?),
            other => return Err(format!("--tls {other}").into()),
        })
    }

    fn parameters(&self) -> Outcome<TlsParameters> {
        let mut builder = TlsParameters::builder(server());
        if let Some(ca) = &self.ca {
            builder = builder.add_root_certificate(Certificate::from_pem(&fs::read(ca)?)?);
        }
        if let Some(certificate) = &self.identity {
            let identity = Identity::from_pem(&fs::read(certificate)?, &fs::read(&self.key)?)?;
            builder = builder.identify_with(identity);
        }
        if self.min_tls.is_some() {
            builder = builder.set_min_tls_version(TlsVersion::Tlsv13);
        }
        let accepts = |what: &str| self.accept.as_deref() == Some(what);
        let builder = builder
            .dangerous_accept_invalid_certs(accepts("certificates"))
            .dangerous_accept_invalid_hostnames(accepts("names"));
        Ok(builder.build()?)
    }

    fn transport(&self) -> Outcome<SmtpTransport> {
        let builder = match &self.url {
            Some(url) => SmtpTransport::from_url(url)?,
            None => self.builder()?,
        };
        // One connection for all messages.
        Ok(builder.pool_config(PoolConfig::new().max_size(1)).build())
    }

    fn builder(&self) -> Outcome<SmtpTransportBuilder> {
        let mut builder = SmtpTransport::builder_dangerous(server())
            .port(port()?)
            .hello_name(hello())
            .timeout(Some(Duration::from_secs(20)))
            .tls(self.tls()?);
        if let Some(user) = &self.user {
            builder = builder.credentials(Credentials::new(user.clone(), self.secret.clone()));
        }
        if let Some(name) = &self.auth {
            let mechanism = match name.as_str() {
                "plain" => Mechanism::Plain,
                "login" => Mechanism::Login,
                "xoauth2" => Mechanism::Xoauth2,
                other => return Err(format!("--auth {other}").into()),
            };
            builder = builder.authentication(vec![mechanism]);
        }
        Ok(builder)
    }
}

fn run() -> Outcome<()> {
    let options = Options::read()?;
    if let Some(local) = options.local {
        return send_from(local, &options);
    }
    let transport = options.transport()?;
    if options.test {
        println!("{}", transport.test_connection()?);
        return Ok(());
    }
    if let Some(file) = &options.attach {
        println!("{}", transport.send(&composed(&options, file)?)?.code());
        return Ok(());
    }
    let mut failure = None;
    for file in &options.files {
        match transport.send_raw(&options.envelope()?, &fs::read(file)?) {
            Ok(response) => println!("{}", response.code()),
            Err(error) => failure = Some(error),
        }
    }
    failure.map_or(Ok(()), |error| Err(error.into()))
}

/// With the connection alone, which is where lettre knows an address of its own.
fn send_from(local: IpAddr, options: &Options) -> Outcome<()> {
    let wait = Some(Duration::from_secs(20));
    let mut connection =
        SmtpConnection::connect((server(), port()?), wait, &hello(), None, Some(local))?;
    for file in &options.files {
        connection.send(&options.envelope()?, &fs::read(file)?)?;
    }
    connection.quit()?;
    Ok(())
}

fn composed(options: &Options, file: &str) -> Outcome<Message> {
    let mut builder = Message::builder().from("Zoë <me@client.example>".parse()?).subject("Grüße");
    for recipient in &options.recipients {
        builder = builder.to(recipient.parse()?);
    }
    let file = Attachment::new(file.to_owned()).body(fs::read(file)?, "text/plain".parse()?);
    let text = SinglePart::plain("Grüezi\r\n.\r\n".to_owned());
    Ok(builder.multipart(MultiPart::mixed().singlepart(text).singlepart(file))?)
}

fn server() -> String {
    env::var("SMTP_HOST").expect("the name of the server")
}

fn port() -> Outcome<u16> {
    Ok(env::var("SMTP_PORT")?.parse()?)
}

fn hello() -> ClientId {
    ClientId::Domain("client.example".to_owned())
}
