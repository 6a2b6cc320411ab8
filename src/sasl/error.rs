//! Why an exchange stops on our side.

/// Why an exchange stops on our side. Nothing of a secret is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MechanismError {
    /// The server asks for more than the mechanism has.
    #[error("the server asked for more than {0} has to say")]
    OneChallengeTooMany(&'static str),
    /// The server accepted before the exchange was over.
    #[error("the server accepted before {0} had come to its end")]
    TooShort(&'static str),
    /// A name or a secret that the mechanism cannot carry.
    #[error("{0} cannot carry an empty name or password, nor one with a NUL, CR or LF")]
    Unfit(&'static str),
    /// RFC 4013 has no form of the name or the password: not UTF-8, a control
    /// character, or writing directions that are mixed.
    #[error("{0} cannot carry the name or the password: it has characters that RFC 4013 forbids")]
    Unprepared(&'static str),
    /// The token has characters that no token has (RFC 6750 §2.1).
    #[error("{0} cannot carry the token: it has characters that no access token has")]
    NoToken(&'static str),
    /// The trace is no address and no short text (RFC 4505 §2).
    #[error(
        "ANONYMOUS cannot carry the user name: it is a mail address, or at most 255 characters \
         without @"
    )]
    NoTrace,
    /// EXTERNAL without a certificate of ours on the channel.
    #[error("EXTERNAL needs TLS with a certificate of ours (--tls-cert)")]
    NoCertificate,
    /// The channel has nothing that both ends know.
    #[error("{0} cannot be used: there is nothing on this connection to bind it to")]
    NoChannelBinding(&'static str),
    /// SCRAM went wrong.
    #[error("{name}: {fault}")]
    Scram {
        /// The name of the mechanism.
        name: &'static str,
        /// What went wrong.
        fault: ScramFault,
    },
}

/// What can go wrong in SCRAM (RFC 5802).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScramFault {
    /// A message that does not follow the grammar (§7).
    #[error("the server's message does not follow RFC 5802")]
    Malformed,
    /// An extension that may not be ignored (§5.1, `m=`).
    #[error("the server insists on an extension that is not known here")]
    MandatoryExtension,
    /// The server did not make the nonce longer, or took another (§5.1).
    #[error("the server did not add to the nonce, so somebody may be repeating an old exchange")]
    Nonce,
    /// A salt of fewer than 8 octets.
    #[error("the server's salt is too short to protect the password")]
    Salt,
    /// Fewer rounds than RFC 7677 §4 asks for.
    #[error(
        "the server's count of hashing rounds, {0}, is too low to protect the password; {least} is \
         the least",
        least = super::scram::ITERATIONS.start()
    )]
    TooFewIterations(u64),
    /// More rounds than anybody needs (§9).
    #[error("the server's count of hashing rounds, {0}, is higher than any server needs")]
    TooManyIterations(u64),
    /// The server's signature is not that of somebody who knows the password.
    #[error("the server could not prove that it knows the password: it is not who it seems to be")]
    Signature,
    /// The server's own word for its refusal (§7, `e=`).
    #[error("the server refused: {0}")]
    Refused(&'static str),
}
