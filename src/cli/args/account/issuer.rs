//! Who issues access tokens, and how somebody logs in there: the options of
//! each command that logs in.

use crate::cli::args::SIGN_IN;
use clap::Args;
use clap::builder::NonEmptyStringValueParser;

/// Who issues access tokens, and how somebody logs in there.
#[derive(Args, Clone, Debug, Default)]
pub struct IssuerArgs {
    /// Log in with a browser of this machine
    ///
    /// The browser is opened where there is a display; the address is shown in
    /// any case, for a browser that has to be on this machine, too. That is the
    /// way unless there is no display and the issuer knows --device.
    #[arg(long, conflicts_with = "device", help_heading = SIGN_IN)]
    pub browser: bool,

    /// Log in with a code, at any other device
    ///
    /// An address and a code are shown; both can be typed at a telephone.
    #[arg(long, help_heading = SIGN_IN)]
    pub device: bool,

    /// Get tokens from ISSUER
    ///
    /// ISSUER is google, microsoft, or the URL of any other, which says where
    /// it is asked for what (RFC 8414, or OpenID Connect Discovery).
    #[arg(long, value_name = "ISSUER", help_heading = SIGN_IN)]
    pub issuer: Option<String>,

    /// Ask this directory of Microsoft's
    ///
    /// TENANT is a domain, a GUID, organizations, consumers, or common, which
    /// is the default.
    #[arg(long, value_name = "TENANT", help_heading = SIGN_IN)]
    pub tenant: Option<String>,

    /// What the issuer calls this client
    ///
    /// Whoever registers a program with the issuer is given one.
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new(), help_heading = SIGN_IN)]
    pub client_id: Option<String>,

    /// Take the secret of the client from SOURCE
    ///
    /// Google and some others give one out with the ID. SOURCE is what
    /// --password-from takes; where it is, not what it is, is written into the
    /// account.
    #[arg(long, value_name = "SOURCE", help_heading = SIGN_IN)]
    pub client_secret_from: Option<String>,

    /// Ask for tokens that are good for SCOPE
    ///
    /// Several scopes stand in one word, with blanks between them. For Google
    /// and Microsoft the default lets messages be sent.
    #[arg(long, value_name = "SCOPE", value_parser = NonEmptyStringValueParser::new(), help_heading = SIGN_IN)]
    pub scope: Option<String>,
}
