use std::path::PathBuf;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use uuid::Uuid;

/// A certificate authority of one test.
pub struct TestAuthority {
    issuer: Issuer<'static, KeyPair>,
    file: PathBuf,
}

/// A certificate and its private key, in PEM.
pub struct TestCertificate {
    pub certificate: String,
    pub key: String,
}

impl TestAuthority {
    #[expect(clippy::new_without_default, reason = "each is another one")]
    pub fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut parameters = CertificateParams::default();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.distinguished_name.push(DnType::CommonName, format!("Authority {}", Uuid::now_v7()));
        let certificate = parameters.self_signed(&key).expect("a certificate");
        let file = std::env::temp_dir().join(format!("comanda-authority-{}.pem", Uuid::now_v7()));
        std::fs::write(&file, certificate.pem()).expect("a file");
        Self { issuer: Issuer::new(parameters, key), file }
    }

    /// The path of its own certificate.
    pub fn file(&self) -> &str {
        self.file.to_str().expect("a path in UTF-8")
    }

    /// A certificate for a server of these names and addresses.
    pub fn certify(&self, names: &[&str]) -> TestCertificate {
        let key = KeyPair::generate().expect("a key");
        let names = names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let parameters = CertificateParams::new(names).expect("names");
        let certificate = parameters.signed_by(&key, &self.issuer).expect("a certificate");
        TestCertificate { certificate: certificate.pem(), key: key.serialize_pem() }
    }
}

impl Drop for TestAuthority {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.file);
    }
}
