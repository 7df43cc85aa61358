//! TLS 1.3 with a certificate that the client knows by its SHA-256 fingerprint instead of by an authority.

use super::{NetError, Result};
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::server::NoServerSessionStorage;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, PeerIncompatible, ServerConfig, SignatureScheme,
    version,
};
use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use subtle::ConstantTimeEq;

/// The SHA-256 of a certificate (DER); printed and read as 64 hexadecimal digits, colons allowed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    fn of(certificate: &CertificateDer<'_>) -> Self {
        let digest = ring::digest::digest(&ring::digest::SHA256, certificate);
        Self(digest.as_ref().try_into().unwrap_or_default())
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

impl FromStr for Fingerprint {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let wrong = || "expected the 64 hexadecimal digits of a SHA-256 fingerprint".to_owned();
        let digits: Vec<u32> =
            text.chars().filter(|c| *c != ':').map(|c| c.to_digit(16)).collect::<Option<_>>().ok_or_else(wrong)?;
        let bytes: Vec<u8> =
            digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | *digit as u8)).collect();
        if digits.len() != 64 {
            return Err(wrong());
        }
        Ok(Self(bytes.try_into().map_err(|_| wrong())?))
    }
}

/// A server's certificate and key.
#[derive(Clone, Debug)]
pub struct ServerTls {
    pub(super) config: Arc<ServerConfig>,
    fingerprint: Fingerprint,
}

impl ServerTls {
    /// A new self-signed certificate with a new key; both live as long as this value.
    ///
    /// # Errors
    /// No randomness.
    pub fn self_signed() -> Result<Self> {
        let made = rcgen::generate_simple_self_signed(vec!["pisim".to_owned()]).map_err(|error| tls(&error))?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        Self::new(vec![made.cert.der().clone()], key)
    }

    /// A certificate (chain) and its key from PEM files.
    ///
    /// # Errors
    /// A file that cannot be read or has no certificate or key, or a key of another certificate.
    pub fn from_files(certificate: &Path, key: &Path) -> Result<Self> {
        let at = |path: &Path, error: &dyn fmt::Display| NetError::Tls(format!("{}: {error}", path.display()));
        let chain = CertificateDer::pem_file_iter(certificate).map_err(|error| at(certificate, &error))?;
        let chain: Vec<CertificateDer<'static>> =
            chain.collect::<std::result::Result<_, _>>().map_err(|error| at(certificate, &error))?;
        if chain.is_empty() {
            return Err(at(certificate, &"no certificate in it; expected PEM"));
        }
        Self::new(chain, PrivateKeyDer::from_pem_file(key).map_err(|error| at(key, &error))?)
    }

    fn new(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<Self> {
        let fingerprint =
            chain.first().map(Fingerprint::of).ok_or_else(|| NetError::Tls("no certificate".to_owned()))?;
        let config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&version::TLS13])
            .map_err(|error| tls(&error))?;
        let mut config = config.with_no_client_auth().with_single_cert(chain, key).map_err(|error| tls(&error))?;
        // Every inference is a session of its own; nothing is resumed.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Self { config: Arc::new(config), fingerprint })
    }

    /// What a client must know.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }
}

/// A client's configuration that accepts one certificate and no other.
pub(super) fn client_config(fingerprint: Fingerprint) -> Result<Arc<ClientConfig>> {
    let provider = provider();
    let pinned = Arc::new(Pinned { fingerprint, provider: provider.clone() });
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&version::TLS13])
        .map_err(|error| tls(&error))?;
    let mut config = config.dangerous().with_custom_certificate_verifier(pinned).with_no_client_auth();
    config.resumption = Resumption::disabled();
    config.enable_sni = false;
    Ok(Arc::new(config))
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

pub(super) fn tls(error: &dyn fmt::Display) -> NetError {
    NetError::Tls(error.to_string())
}

/// Accepts the pinned certificate. The peer must still sign the handshake with the certificate's key.
#[derive(Debug)]
struct Pinned {
    fingerprint: Fingerprint,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> std::result::Result<ServerCertVerified, Error> {
        let found = Fingerprint::of(certificate);
        if bool::from(found.0.ct_eq(&self.fingerprint.0)) {
            return Ok(ServerCertVerified::assertion());
        }
        Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, Error> {
        Err(Error::PeerIncompatible(PeerIncompatible::Tls12NotOffered))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_reads_what_it_prints_and_nothing_else() {
        let fingerprint = ServerTls::self_signed().unwrap().fingerprint();
        let text = fingerprint.to_string();
        assert_eq!(text.len(), 64);
        assert_eq!(text.parse(), Ok(fingerprint));
        let pairs: Vec<&str> = (0..32).map(|i| &text[2 * i..2 * i + 2]).collect();
        assert_eq!(pairs.join(":").to_uppercase().parse(), Ok(fingerprint));
        for wrong in ["", "00", &text[1..], &format!("{text}0"), &text.replacen(&text[..1], "g", 1), "ä"] {
            assert!(wrong.parse::<Fingerprint>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_self_signed_certificate_is_another() {
        let [first, second] = [(); 2].map(|()| ServerTls::self_signed().unwrap().fingerprint());
        assert_ne!(first, second);
    }

    #[test]
    fn files_are_read_as_pem_and_a_key_of_another_certificate_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let [first, second] = [(); 2].map(|()| rcgen::generate_simple_self_signed(vec!["a".to_owned()]).unwrap());
        let path = |name: &str, text: String| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let certificate = path("cert.pem", first.cert.pem());
        let key = path("key.pem", first.signing_key.serialize_pem());
        let other = path("other.pem", second.signing_key.serialize_pem());
        let tls = ServerTls::from_files(&certificate, &key).unwrap();
        assert_eq!(tls.fingerprint(), Fingerprint::of(first.cert.der()));
        for (certificate, key) in [(&certificate, &other), (&key, &key), (&certificate, &folder.path().join("none"))] {
            assert!(matches!(ServerTls::from_files(certificate, key), Err(NetError::Tls(_))));
        }
    }
}
