//! How connections are encrypted, and how the server's certificate is verified: libpq's `sslmode`.

use std::sync::Arc;

use comanda_tls::Authorities;
use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::{
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_cert_signed_by_trust_anchor,
    },
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::ParsedCertificate,
};
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

/// The protocol's name, which PostgreSQL insists on where TLS begins without being negotiated.
const PROTOCOL: &[u8] = b"postgresql";

/// How a connection is protected (PostgreSQL's manual, "SSL Support", on the protection of each mode).
#[derive(Clone, Debug)]
pub(super) enum Protection {
    None,
    /// Encrypted if the server offers it.
    Preferred,
    /// Encrypted, by whoever the server is.
    Encrypted,
    /// Encrypted, by a server that one of these authorities knows.
    KnownServer(Authorities),
    /// Encrypted, by the server whose name is in the URL.
    NamedServer(Authorities),
}

impl Protection {
    /// What the protocol negotiates.
    pub(super) fn mode(&self) -> SslMode {
        match self {
            Self::None => SslMode::Disable,
            Self::Preferred => SslMode::Prefer,
            Self::Encrypted | Self::KnownServer(_) | Self::NamedServer(_) => SslMode::Require,
        }
    }

    /// What encrypts connections and verifies certificates.
    pub(super) fn connector(&self) -> Result<MakeRustlsConnect, rustls::Error> {
        let provider = Arc::new(ring::default_provider());
        let builder =
            ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
        let unnamed = |roots| Arc::new(UnnamedServer { roots, provider });
        let builder = match self {
            Self::NamedServer(authorities) => builder.with_root_certificates(authorities.roots()),
            Self::KnownServer(authorities) => {
                builder.dangerous().with_custom_certificate_verifier(unnamed(Some(authorities.roots())))
            }
            Self::None | Self::Preferred | Self::Encrypted => {
                builder.dangerous().with_custom_certificate_verifier(unnamed(None))
            }
        };
        let mut config = builder.with_no_client_auth();
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        Ok(MakeRustlsConnect::new(config))
    }
}

/// Verifies everything but the server's name; without roots, only that the server has its certificate's key. That much
/// is needed for channel binding, which ties a SCRAM sign-in to the certificate.
#[derive(Debug)]
struct UnnamedServer {
    roots: Option<Arc<RootCertStore>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for UnnamedServer {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if let Some(roots) = &self.roots {
            let certificate = ParsedCertificate::try_from(end_entity)?;
            let algorithms = self.provider.signature_verification_algorithms.all;
            verify_server_cert_signed_by_trust_anchor(&certificate, roots, intermediates, now, algorithms)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
