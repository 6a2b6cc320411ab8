//! A private certificate authority and the one certificate it signs.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

/// The file of the certificate that a client is told to trust.
pub(crate) const AUTHORITY: &str = "authority.pem";

/// Writes `authority.pem`, and for `localhost` and 127.0.0.1 `server.pem` and
/// `server.key`, into `directory`. The authority's own key is forgotten.
pub(crate) fn write_certificates(directory: &Path) {
    let authority_key = KeyPair::generate().expect("a key for the authority");
    let authority = authority_parameters();
    let certificate = authority.self_signed(&authority_key).expect("the authority signs itself");
    fs::write(directory.join(AUTHORITY), certificate.pem()).expect("writing authority.pem");

    let server_key = KeyPair::generate().expect("a key for the server");
    let certificate = server_parameters()
        .signed_by(&server_key, &Issuer::new(authority, authority_key))
        .expect("the authority signs the server's certificate");
    fs::write(directory.join("server.pem"), certificate.pem()).expect("writing server.pem");
    let key = directory.join("server.key");
    fs::write(&key, server_key.serialize_pem()).expect("writing server.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("closing server.key");
}

fn authority_parameters() -> CertificateParams {
    let mut parameters = CertificateParams::default();
    name(&mut parameters, "authority of one test run");
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    parameters
}

fn server_parameters() -> CertificateParams {
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let mut parameters = CertificateParams::new(names).expect("both are valid names");
    name(&mut parameters, "localhost");
    parameters.use_authority_key_identifier_extension = true;
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    parameters
}

fn name(parameters: &mut CertificateParams, name: &str) {
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, name);
}
