use std::{error::Error, io, sync::Arc};

use rustls::CertificateError;

/// Why a server was refused over TLS, in words, if that is why `error` happened.
pub fn refusal(error: &(dyn Error + 'static)) -> Option<String> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = of_rustls(error) {
            return Some(in_words(found));
        }
        next = error.source();
    }
    None
}

/// Why a connection failed, for an operator: why its server was refused over TLS, or else the root of the error, above
/// which stands only that connecting failed.
pub fn reason(error: &(dyn Error + 'static)) -> String {
    let mut root = error;
    while let Some(source) = root.source() {
        root = source;
    }
    refusal(error).unwrap_or_else(|| root.to_string())
}

/// The error itself, or the one that it wraps without naming it as its source.
fn of_rustls<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    if let Some(shared) = error.downcast_ref::<Arc<dyn Error + Send + Sync>>() {
        return of_rustls(&**shared);
    }
    match error.downcast_ref::<io::Error>() {
        Some(error) => error.get_ref().and_then(|inner| inner.downcast_ref()),
        None => error.downcast_ref(),
    }
}

fn in_words(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            "its certificate was not issued by an authority that is trusted".to_owned()
        }
        rustls::Error::InvalidCertificate(CertificateError::NotValidForName) => {
            "its certificate is for another name".to_owned()
        }
        rustls::Error::InvalidCertificate(CertificateError::NotValidForNameContext { expected, presented }) => {
            let presented = if presented.is_empty() { "no name at all".to_owned() } else { presented.join(" and ") };
            format!("its certificate is not for {} but for {presented}", expected.to_str())
        }
        // What else is wrong, rustls names only in its own words.
        rustls::Error::InvalidCertificate(reason) if reason.to_string().contains("CaUsedAsEndEntity") => {
            "its certificate is an authority's own, which no server may use".to_owned()
        }
        rustls::Error::InvalidCertificate(reason) => format!("its certificate is not valid: {reason}"),
        error => format!("TLS failed: {error}"),
    }
}
