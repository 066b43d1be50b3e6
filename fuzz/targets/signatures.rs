//! Events of the payment gateway from anybody, and those that are signed and say anything; and the secrets and
//! signatures of our own webhooks.

#![no_main]

use std::sync::Arc;

use base64::{Engine, prelude::BASE64_STANDARD};
use comanda_domain::{
    Timestamp,
    ports::{BadEvent, Clock, GatewayEvents},
};
use comanda_notify::WebhookSecret;
use comanda_stripe::{OfflineGateway, sign};
use hmac::{Hmac, KeyInit, Mac};
use libfuzzer_sys::fuzz_target;
use sha2::Sha256;

const SECRET: &str = "whsec_of_fuzz_targets";

struct Standing;

impl Clock for Standing {
    fn now(&self) -> Timestamp {
        Timestamp::from_timestamp(1_790_000_000, 0).unwrap()
    }
}

/// A header in the first line, and a body: as they came, and signed.
fn of_the_gateway(header: &str, body: &[u8]) {
    let gateway = OfflineGateway::new(vec![SECRET.to_owned()], Arc::new(Standing));
    let now = Standing.now();
    assert_eq!(gateway.verify(header, body, now), Err(BadEvent::Signature), "{header} was never signed");
    let signed = sign(SECRET, body, now);
    assert!(!matches!(gateway.verify(&signed, body, now), Err(BadEvent::Signature | BadEvent::Stale)));
    // Beside ours, whatever else is in the header makes no difference, unless it says another time.
    let names_a_time = header.split(',').any(|part| part.trim().starts_with("t="));
    if !names_a_time {
        let both = format!("{header},{signed}");
        assert_eq!(gateway.verify(&both, body, now), gateway.verify(&signed, body, now), "{both}");
    }
    // What was accepted is stored, and read again from there.
    if let (Ok(event), Ok(text)) = (gateway.verify(&signed, body, now), std::str::from_utf8(body)) {
        assert_eq!(gateway.read(text), Ok(event));
    }
}

/// A secret in the first line, and a message: receivers find our signature by the letter of the specification.
fn of_ours(secret: &str, body: &str) {
    let Ok(parsed) = secret.parse::<WebhookSecret>() else { return };
    let signature = parsed.sign("msg_1", Standing.now(), body);
    let key = BASE64_STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    assert!((24..=64).contains(&key.len()));
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("msg_1.1790000000.{body}").as_bytes());
    let tag = BASE64_STANDARD.decode(signature.strip_prefix("v1,").unwrap()).unwrap();
    assert!(mac.verify_slice(&tag).is_ok());
}

fuzz_target!(|input: &[u8]| {
    let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    let (line, rest) = (&input[..end], input.get(end + 1..).unwrap_or_default());
    // Headers that are no text are refused before they get here.
    let Ok(line) = std::str::from_utf8(line) else { return };
    of_the_gateway(line, rest);
    of_ours(line, &String::from_utf8_lossy(rest));
});
