//! A private certificate authority and the certificates it signs: one for the
//! server, one for whoever stands between, two for clients.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};

use crate::server::USER;

/// The file of the certificate that a client is told to trust.
pub(crate) const AUTHORITY: &str = "authority.pem";

/// Whom no server lets in, though the authority knows him.
const STRANGER: &str = "mallory";

/// Writes `authority.pem` and, each as NAME.pem and NAME.key, `server` and
/// `relay` for `localhost`, 127.0.0.1 and [`NAMES`], `client` for [`USER`] and `stranger`
/// for somebody else, into `directory`; as `expired` and `misnamed` two that no
/// client takes for the server's. The authority's own key is forgotten.
pub(crate) fn write_certificates(directory: &Path) {
    let authority_key = KeyPair::generate().expect("a key for the authority");
    let authority = authority_parameters();
    let certificate = authority.self_signed(&authority_key).expect("the authority signs itself");
    fs::write(directory.join(AUTHORITY), certificate.pem()).expect("writing authority.pem");

    let authority = Issuer::new(authority, authority_key);
    for (file, parameters) in [
        ("server", server_parameters()),
        ("relay", server_parameters()),
        ("expired", expired_parameters()),
        ("misnamed", misnamed_parameters()),
        ("client", client_parameters(USER)),
        ("stranger", client_parameters(STRANGER)),
    ] {
        write_signed(&directory.join(file), &parameters, &authority);
    }
}

fn write_signed(file: &Path, parameters: &CertificateParams, authority: &Issuer<'_, KeyPair>) {
    let key = KeyPair::generate().expect("a key");
    let certificate = parameters.signed_by(&key, authority).expect("the authority signs");
    fs::write(file.with_extension("pem"), certificate.pem()).expect("writing a certificate");
    let file = file.with_extension("key");
    fs::write(&file, key.serialize_pem()).expect("writing a key");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("closing a key");
}

fn authority_parameters() -> CertificateParams {
    let mut parameters = CertificateParams::default();
    name(&mut parameters, "authority of one test run");
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    parameters
}

/// The other names that servers go by, where name servers say so.
const NAMES: [&str; 7] = [
    "mail.own.plain.example",
    "mail.own.signed.example",
    "mail.provider.plain.example",
    "vouched.plain.example",
    "autoconfig.docs.plain.example",
    "mta-sts.policy.plain.example",
    "mail.tokens.plain.example",
];

fn server_parameters() -> CertificateParams {
    let names = ["localhost", "127.0.0.1"].into_iter().chain(NAMES).map(str::to_owned);
    let parameters = CertificateParams::new(names.collect::<Vec<_>>()).expect("valid names");
    leaf(parameters, "localhost", ExtendedKeyUsagePurpose::ServerAuth)
}

/// The server's, as it was long ago.
fn expired_parameters() -> CertificateParams {
    let mut parameters = server_parameters();
    parameters.not_after = date_time_ymd(2020, 1, 31);
    parameters
}

/// That of another server.
fn misnamed_parameters() -> CertificateParams {
    let parameters = CertificateParams::new(vec!["other.example".to_owned()]).expect("a name");
    leaf(parameters, "other.example", ExtendedKeyUsagePurpose::ServerAuth)
}

fn client_parameters(user: &str) -> CertificateParams {
    leaf(CertificateParams::default(), user, ExtendedKeyUsagePurpose::ClientAuth)
}

fn leaf(
    mut parameters: CertificateParams,
    subject: &str,
    usage: ExtendedKeyUsagePurpose,
) -> CertificateParams {
    name(&mut parameters, subject);
    parameters.use_authority_key_identifier_extension = true;
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.extended_key_usages = vec![usage];
    parameters
}

fn name(parameters: &mut CertificateParams, name: &str) {
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, name);
}
