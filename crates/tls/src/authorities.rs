use std::{
    fmt, fs,
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use thiserror::Error;

/// Certificate authorities that are trusted; at least one.
#[derive(Clone)]
pub struct Authorities {
    certificates: Vec<CertificateDer<'static>>,
    roots: Arc<RootCertStore>,
}

/// Why there are no authorities to trust.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InvalidAuthorities {
    #[error("cannot read the file {}: {cause}", .path.display())]
    Unreadable { path: PathBuf, cause: String },
    #[error("there is no certificate in it (PEM: -----BEGIN CERTIFICATE-----)")]
    NoCertificate,
    #[error("a certificate in it cannot be read: {0}")]
    Malformed(String),
    #[error("this system trusts no certificate authority; name the file of one")]
    NoneOfSystem,
}

impl Authorities {
    /// Reads a file of certificates in PEM.
    pub fn read(path: &Path) -> Result<Self, InvalidAuthorities> {
        let unreadable =
            |cause: std::io::Error| InvalidAuthorities::Unreadable { path: path.to_owned(), cause: cause.to_string() };
        Self::from_pem(&fs::read(path).map_err(unreadable)?)
    }

    /// Those that this system trusts.
    pub fn of_system() -> Result<Self, InvalidAuthorities> {
        let mut roots = RootCertStore::empty();
        let mut certificates = rustls_native_certs::load_native_certs().certs;
        // A certificate that rustls cannot read is no reason to refuse the others: nobody here chose them.
        certificates.retain(|certificate| roots.add(certificate.clone()).is_ok());
        if certificates.is_empty() {
            return Err(InvalidAuthorities::NoneOfSystem);
        }
        Ok(Self { certificates, roots: Arc::new(roots) })
    }

    /// For a client of rustls.
    pub fn roots(&self) -> Arc<RootCertStore> {
        Arc::clone(&self.roots)
    }

    /// In PEM, for whoever reads nothing else.
    pub fn pem(&self) -> Vec<u8> {
        let certificates = self.certificates.iter().map(|certificate| {
            format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", STANDARD.encode(certificate))
        });
        certificates.collect::<String>().into_bytes()
    }

    fn from_pem(pem: &[u8]) -> Result<Self, InvalidAuthorities> {
        let mut roots = RootCertStore::empty();
        let mut certificates = Vec::new();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|error| InvalidAuthorities::Malformed(error.to_string()))?;
            roots.add(certificate.clone()).map_err(|error| InvalidAuthorities::Malformed(error.to_string()))?;
            certificates.push(certificate);
        }
        if certificates.is_empty() {
            return Err(InvalidAuthorities::NoCertificate);
        }
        Ok(Self { certificates, roots: Arc::new(roots) })
    }
}

impl FromStr for Authorities {
    type Err = InvalidAuthorities;

    /// Reads certificates in PEM.
    fn from_str(pem: &str) -> Result<Self, InvalidAuthorities> {
        Self::from_pem(pem.as_bytes())
    }
}

impl fmt::Debug for Authorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Authorities({})", self.certificates.len())
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair};

    use super::*;

    fn certificate() -> String {
        CertificateParams::new(["a".to_owned()]).unwrap().self_signed(&KeyPair::generate().unwrap()).unwrap().pem()
    }

    #[test]
    fn every_certificate_of_a_file_counts_and_survives_being_written() {
        let pem = format!("A comment.\n{}{}", certificate(), certificate());
        let authorities: Authorities = pem.parse().unwrap();
        assert_eq!(authorities.roots().len(), 2);
        let again = Authorities::from_pem(&authorities.pem()).unwrap();
        assert_eq!(again.certificates, authorities.certificates);
    }

    #[test]
    fn what_holds_no_certificate_is_refused() {
        let key = KeyPair::generate().unwrap().serialize_pem();
        for pem in ["", "nonsense", key.as_str()] {
            assert_eq!(pem.parse::<Authorities>().unwrap_err(), InvalidAuthorities::NoCertificate, "{pem}");
        }
        let cut = &certificate()[..100];
        let not_one = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let broken = format!("{}{not_one}", certificate());
        for pem in [cut, not_one, &broken] {
            assert!(matches!(pem.parse::<Authorities>(), Err(InvalidAuthorities::Malformed(_))), "{pem}");
        }
        let missing = Authorities::read(Path::new("/nowhere/ca.pem")).unwrap_err().to_string();
        assert!(missing.starts_with("cannot read the file /nowhere/ca.pem: "), "{missing}");
    }
}
