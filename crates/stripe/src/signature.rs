//! Signatures of events (<https://docs.stripe.com/webhooks#verify-manually>): `t=<seconds>,v1=<hex>`, where `v1` is the
//! HMAC-SHA-256 of `<seconds>.<body>`. There may be several `v1` parts while a secret is being replaced.

use chrono::{DateTime, TimeDelta};
use comanda_domain::{Timestamp, ports::BadEvent};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// A signature that is further from now than this may be a replay. Stripe's libraries have the same tolerance.
const TOLERANCE: TimeDelta = TimeDelta::minutes(5);

/// The value of the signature header for a body that is signed at `now`.
pub fn sign(secret: &str, body: &[u8], now: Timestamp) -> String {
    let seconds = now.timestamp();
    format!("t={seconds},v1={}", hex::encode(mac_of(secret, &seconds.to_string(), body).finalize().into_bytes()))
}

/// Accepts a signature made with any of the secrets. The comparison takes constant time.
pub(crate) fn verify(secrets: &[String], header: &str, body: &[u8], now: Timestamp) -> Result<(), BadEvent> {
    let parts = || header.split(',').filter_map(|part| part.trim().split_once('='));
    let time = parts().find(|(name, _)| *name == "t").map(|(_, value)| value).ok_or(BadEvent::Signature)?;
    let moment =
        time.parse().ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0)).ok_or(BadEvent::Signature)?;
    let signatures = || parts().filter(|(name, _)| *name == "v1").filter_map(|(_, value)| hex::decode(value).ok());
    let matches = secrets
        .iter()
        .any(|secret| signatures().any(|signature| mac_of(secret, time, body).verify_slice(&signature).is_ok()));
    if !matches {
        return Err(BadEvent::Signature);
    }
    if (now - moment).abs() > TOLERANCE { Err(BadEvent::Stale) } else { Ok(()) }
}

fn mac_of(secret: &str, time: &str, body: &[u8]) -> Hmac<Sha256> {
    #[expect(clippy::expect_used, reason = "HMAC accepts keys of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key of any length");
    mac.update(time.as_bytes());
    mac.update(b".");
    mac.update(body);
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_test_secret";
    const BODY: &[u8] = b"{\n  \"id\": \"evt_test_webhook\",\n  \"object\": \"event\"\n}";

    fn at(seconds: i64) -> Timestamp {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    fn secrets(secrets: &[&str]) -> Vec<String> {
        secrets.iter().map(|&secret| secret.to_owned()).collect()
    }

    /// Produced by Stripe's own library for Python 16.1.0: `stripe.WebhookSignature._compute_signature(f"{t}.{body}",
    /// secret)`.
    const VECTORS: &[(&str, i64, &str)] = &[
        (
            "{\n  \"id\": \"evt_test_webhook\",\n  \"object\": \"event\"\n}",
            1_700_000_000,
            "4f1cd7feda9826e746b7d482c4badebb657398df1099e1046364f6196a230150",
        ),
        ("", 1_700_000_000, "316b9ab98c15bfa039d243f3196acee619cf29749a91a634e6a8154e2f7b6727"),
        (
            "{\"name\":\"Käsespätzle 🧀\"}",
            1_700_000_000,
            "649c8a5e6aaa4fc158c4e20c1c20cf71a783e8782133fa6845069b9f13b40f3d",
        ),
        (
            "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\
             xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\
             xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            1_700_000_000,
            "9c7c83edfc14cf1dede456cb082c90e75c1932d36f6709bc2390796cd06b5830",
        ),
    ];

    #[test]
    fn signatures_by_stripes_own_library_are_accepted() {
        for (body, seconds, signature) in VECTORS {
            let header = format!(
                "t={seconds},v1={signature},v0=6ffbb59b2300aae63f272406069a9788598b792a944a07aba816edb039989a39"
            );
            assert_eq!(verify(&secrets(&[SECRET]), &header, body.as_bytes(), at(*seconds)), Ok(()));
            assert_eq!(sign(SECRET, body.as_bytes(), at(*seconds)), format!("t={seconds},v1={signature}"));
            let other = verify(&secrets(&[SECRET]), &header, format!("{body} ").as_bytes(), at(*seconds));
            assert_eq!(other, Err(BadEvent::Signature));
        }
    }

    #[test]
    fn either_secret_is_accepted_while_one_replaces_the_other() {
        let header = sign("the old one", BODY, at(1_700_000_000));
        assert_eq!(verify(&secrets(&["the new one", "the old one"]), &header, BODY, at(1_700_000_000)), Ok(()));
        assert_eq!(verify(&secrets(&["the new one"]), &header, BODY, at(1_700_000_000)), Err(BadEvent::Signature));
        assert_eq!(verify(&[], &header, BODY, at(1_700_000_000)), Err(BadEvent::Signature));
    }

    #[test]
    fn one_matching_signature_among_several_is_enough() {
        let ours = sign(SECRET, BODY, at(1_700_000_000));
        let (time, signature) = ours.split_once(',').unwrap();
        let header = format!("{time},v1={},{signature}", "0".repeat(64));
        assert_eq!(verify(&secrets(&[SECRET]), &header, BODY, at(1_700_000_000)), Ok(()));
    }

    #[test]
    fn a_signature_is_valid_for_five_minutes_before_and_after() {
        let header = sign(SECRET, BODY, at(1_700_000_000));
        for (seconds, expected) in
            [(-300, Ok(())), (300, Ok(())), (-301, Err(BadEvent::Stale)), (301, Err(BadEvent::Stale))]
        {
            assert_eq!(verify(&secrets(&[SECRET]), &header, BODY, at(1_700_000_000 + seconds)), expected);
        }
    }

    #[test]
    fn anything_else_is_refused() {
        let nonsense =
            ["", "t=", "t=1700000000", "v1=00", "t=x,v1=00", "t=1_700_000_000,v1=zz", "t=9223372036854775807,v1=00"];
        for header in nonsense {
            assert_eq!(verify(&secrets(&[SECRET]), header, BODY, at(1_700_000_000)), Err(BadEvent::Signature));
        }
    }
}
