use super::super::tests::{ED25519_PUBLIC, RSA_PEM, SEED, both, der, ed25519_pem, pem};
use super::*;
use encodify::base64::STANDARD;

/// The same key in PKCS#1: what PKCS#8 wraps.
fn pkcs1(pkcs8: &[u8]) -> &[u8] {
    &pkcs8[26..]
}

fn error(pem: &str) -> KeyError {
    Key::from_pem(pem.as_bytes()).unwrap_err()
}

/// DER of the beginning of an `RSAPrivateKey` with a modulus of this many bits.
fn rsa_of(bits: usize) -> String {
    let length = |octets: usize| match u16::try_from(octets).unwrap().to_be_bytes() {
        [0, low] => vec![0x81, low],
        [high, low] => vec![0x82, high, low],
    };
    let mut modulus = vec![0xff; bits.div_ceil(8)];
    if bits.is_multiple_of(8) {
        modulus.insert(0, 0);
    } else {
        modulus[0] >>= 8 - bits % 8;
    }
    let mut inside = vec![0x02, 0x01, 0x00, 0x02];
    inside.extend(length(modulus.len()));
    inside.extend(&modulus);
    let outside = [vec![0x30], length(inside.len()), inside].concat();
    pem("RSA PRIVATE KEY", &outside)
}

#[test]
fn keys_are_read_in_pkcs_8_and_pkcs_1() {
    // DKIM-key
    let v2 = [
        b"\x30\x51\x02\x01\x01\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20".as_slice(),
        &STANDARD.decode(SEED).unwrap(),
        b"\x81\x21\x00",
        &STANDARD.decode(ED25519_PUBLIC).unwrap(),
    ];
    for (pem, algorithm) in [
        (RSA_PEM.to_owned(), "rsa-sha256"),
        (RSA_PEM.replace('\n', "\r\n"), "rsa-sha256"),
        (pem("RSA PRIVATE KEY", pkcs1(&der(RSA_PEM))), "rsa-sha256"),
        (format!("a remark\n{}", ed25519_pem()), "ed25519-sha256"),
        (pem("PRIVATE KEY", &v2.concat()), "ed25519-sha256"),
        (pem("PUBLIC KEY", b"") + &ed25519_pem(), "ed25519-sha256"),
    ] {
        assert_eq!(Key::from_pem(pem.as_bytes()).unwrap().algorithm(), algorithm, "{pem}");
    }
}

#[test]
fn a_key_of_the_wrong_size_is_refused_with_its_size() {
    // 8301
    for (bits, expected) in [
        (1024, KeyError::TooShort(1024)),
        (2047, KeyError::TooShort(2047)),
        (4097, KeyError::TooLong(4097)),
        (8192, KeyError::TooLong(8192)),
        // Of a good size, and no key.
        (2048, KeyError::Unsound),
        (4096, KeyError::Unsound),
    ] {
        assert_eq!(error(&rsa_of(bits)), expected, "{bits}");
    }
    assert_eq!(
        KeyError::TooShort(1024).to_string(),
        "its RSA key has 1024 bits, and 2048 are the least to sign with"
    );
}

#[test]
fn what_is_no_key_is_told_by_what_it_is() {
    // DKIM-key
    let pkcs8 = der(RSA_PEM);
    let x25519 = b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x6e\x04\x22\x04\x20";
    let x25519 = [x25519.as_slice(), &[7; 32]].concat();
    for (pem, expected) in [
        (String::new(), KeyError::NotPem),
        ("MIICXQIBAAKBgQDk".to_owned(), KeyError::NotPem),
        (pem("PUBLIC KEY", b"x"), KeyError::OtherBlock(Block::PublicKey)),
        (pem("CERTIFICATE", b"x"), KeyError::OtherBlock(Block::Certificate)),
        (pem("OPENSSH PRIVATE KEY", b"x"), KeyError::OtherBlock(Block::OpenSsh)),
        (pem("DH PARAMETERS", b"x"), KeyError::OtherBlock(Block::Other)),
        (pem("ENCRYPTED PRIVATE KEY", b"x"), KeyError::Locked),
        (
            pem("RSA PRIVATE KEY", b"x").replacen('\n', "\nProc-Type: 4,ENCRYPTED\n", 1),
            KeyError::Locked,
        ),
        (pem("EC PRIVATE KEY", b"x"), KeyError::Algorithm),
        (pem("PRIVATE KEY", &x25519), KeyError::Algorithm),
        (pem("PRIVATE KEY", b"x"), KeyError::Damaged),
        (pem("RSA PRIVATE KEY", &pkcs8), KeyError::Damaged),
        (pem("PRIVATE KEY", &pkcs8[..pkcs8.len() - 1]), KeyError::Damaged),
        (RSA_PEM.replace("-----END", "-----DNE"), KeyError::Damaged),
        (RSA_PEM.replacen('\n', "\n*", 1), KeyError::Damaged),
    ] {
        assert_eq!(error(&pem), expected, "{pem}");
    }
}

#[test]
fn a_key_never_prints() {
    // SEC-7
    let signers = both("relaxed/relaxed");
    let shown = format!("{signers:?}");
    assert!(shown.contains("Key(rsa-sha256)") && shown.contains("Key(ed25519-sha256)"), "{shown}");
    assert!(shown.len() < 800, "{shown}");
}
