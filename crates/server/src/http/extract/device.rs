//! Devices that an account is known to use: whoever has signed in gets a signed token, and with it keeps an allowance
//! of wrong passwords of their own while strangers have locked the address
//! (<https://owasp.org/www-community/Slow_Down_Online_Guessing_Attacks_with_Device_Cookies>). It is no credential: it
//! opens nothing.

use std::{
    future::{Ready, ready},
    sync::Arc,
    time::Duration,
};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use comanda_domain::{Claimant, DeviceId, Email, ports::Clock};
use comanda_identity::{DerivedKeys, SecretKeys};
use utoipa::openapi::Required;
use uuid::Uuid;

use super::SessionCookies;
use crate::http::{
    openapi::{Describe, Description, text},
    problem::{Code, Problem},
};

pub const HEADER: &str = "x-device-token";

/// Issues tokens of devices, and recognizes them.
#[derive(Clone)]
pub struct DeviceTokens {
    keys: DerivedKeys,
    clock: Arc<dyn Clock>,
}

impl DeviceTokens {
    /// How long a token is good for after the sign-in it was issued at.
    pub const LIFETIME: Duration = Duration::from_hours(180 * 24);
    /// Of how many accounts a browser keeps tokens.
    const KEPT: usize = 5;
    /// The id, the second of issue, and the tag.
    const LENGTH: usize = 16 + 8 + 32;
    /// Between the tokens of several accounts in one cookie.
    const SEPARATOR: char = '~';

    /// Every server must accept the current key of every other.
    pub fn new(secrets: &SecretKeys, clock: Arc<dyn Clock>) -> Self {
        Self { keys: secrets.derive("comanda device v1"), clock }
    }

    /// A token for this address, of the device that was shown, or of a new one.
    pub fn issue(&self, claimant: &Claimant) -> String {
        let device = claimant.device.unwrap_or_else(|| DeviceId::new(Uuid::from_bytes(rand::random())));
        let issued_at = self.clock.now().timestamp();
        let (device, issued_at) = (device.as_uuid().into_bytes(), issued_at.to_be_bytes());
        let tag = self.keys.tag(&[&device, &issued_at, claimant.email.as_str().as_bytes()]);
        BASE64.encode([device.as_slice(), &issued_at, &tag].concat())
    }

    /// The device, if this is a token for the address that is still good.
    fn recognize(&self, token: &str, email: &Email) -> Option<DeviceId> {
        let bytes: [u8; Self::LENGTH] = BASE64.decode(token).ok()?.try_into().ok()?;
        let (device, rest) = bytes.split_first_chunk::<16>()?;
        let (issued_at, tag) = rest.split_first_chunk::<8>()?;
        let tag: &[u8; 32] = tag.try_into().ok()?;
        if !self.keys.verify(&[device, issued_at, email.as_str().as_bytes()], tag) {
            return None;
        }
        let (device, issued_at) = (DeviceId::new(Uuid::from_bytes(*device)), i64::from_be_bytes(*issued_at));
        let age = self.clock.now().timestamp().checked_sub(issued_at)?;
        u64::try_from(age).is_ok_and(|age| age < Self::LIFETIME.as_secs()).then_some(device)
    }

    /// Who claims this address, by the token that a program has sent. With one of another account, or of a key that is
    /// forgotten, it is a stranger's, and gets a new one when it has signed in.
    pub fn claimant_of_client(&self, shown: &DeviceHeader, email: Email) -> Claimant {
        let device = shown.0.as_ref().and_then(|token| self.recognize(token, &email));
        Claimant { email, device }
    }

    /// Who claims this address, by the tokens in a browser's cookie. Those of other accounts are nothing to complain
    /// of: people share browsers.
    pub fn claimant_of_browser(&self, shown: &DeviceCookie, email: Email) -> Claimant {
        let device = shown.tokens().find_map(|token| self.recognize(token, &email));
        Claimant { email, device }
    }

    /// What the cookie holds after a sign-in: the newest token first, and those of other accounts.
    pub fn kept(&self, shown: &DeviceCookie, claimant: &Claimant) -> String {
        let others = shown.tokens().filter(|token| self.recognize(token, &claimant.email).is_none());
        let others = others.filter(|token| BASE64.decode(token).is_ok_and(|bytes| bytes.len() == Self::LENGTH));
        let kept: Vec<String> =
            std::iter::once(self.issue(claimant)).chain(others.map(str::to_owned)).take(Self::KEPT).collect();
        kept.join(Self::SEPARATOR.encode_utf8(&mut [0; 4]))
    }
}

/// The device token that a program has sent, if any.
pub struct DeviceHeader(Option<String>);

impl FromRequest for DeviceHeader {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let token = request.headers().get(HEADER).map(|value| value.to_str().unwrap_or_default().to_owned());
        ready(Ok(Self(token)))
    }
}

impl Describe for DeviceHeader {
    fn describe(description: &mut Description) {
        let meaning = "The `device_token` of an earlier sign-in to this account: keeps an allowance of wrong passwords \
                       of its own while strangers have locked the address";
        description.header("X-Device-Token", Required::False, text(), meaning);
        description.problems(&[Code::InvalidRequest]);
    }
}

/// The device tokens in a browser's cookie.
pub struct DeviceCookie(Option<String>);

impl DeviceCookie {
    pub fn of(request: &HttpRequest, cookies: SessionCookies) -> Self {
        Self(cookies.device_tokens(request))
    }

    fn tokens(&self) -> impl Iterator<Item = &str> {
        self.0.iter().flat_map(|cookie| cookie.split(DeviceTokens::SEPARATOR)).take(DeviceTokens::KEPT)
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use comanda_domain::{Timestamp, ports::MockClock};

    use super::*;

    fn tokens(secret: &str, after: TimeDelta) -> DeviceTokens {
        let mut clock = MockClock::new();
        clock.expect_now().returning(move || Timestamp::from_timestamp(1_790_000_000, 0).unwrap() + after);
        DeviceTokens::new(&SecretKeys::from(&secret.into()), Arc::new(clock))
    }

    fn now() -> DeviceTokens {
        tokens("a", TimeDelta::zero())
    }

    fn address(name: &str) -> Email {
        Email::new(&format!("{name}@example.org")).unwrap()
    }

    fn stranger(name: &str) -> Claimant {
        Claimant::stranger(address(name))
    }

    #[test]
    fn a_token_is_of_one_address_one_key_and_half_a_year() {
        let token = now().issue(&stranger("ana"));
        let device = now().recognize(&token, &address("ana"));
        assert!(device.is_some());
        assert_eq!(now().recognize(&token, &address("eve")), None);
        assert_eq!(tokens("b", TimeDelta::zero()).recognize(&token, &address("ana")), None);
        assert!(tokens("a", TimeDelta::days(179)).recognize(&token, &address("ana")).is_some());
        for age in [TimeDelta::days(180), TimeDelta::days(10_000), TimeDelta::seconds(-1)] {
            assert_eq!(tokens("a", age).recognize(&token, &address("ana")), None, "{age}");
        }
        for odd in ["", "~", &token[1..], &token[..token.len() - 1], &format!("{token}A"), "ключ"] {
            assert_eq!(now().recognize(odd, &address("ana")), None, "{odd}");
        }
        let renewed = now().issue(&Claimant { email: address("ana"), device });
        assert_eq!(now().recognize(&renewed, &address("ana")), device, "the device stays the same");
        assert_ne!(now().recognize(&now().issue(&stranger("ana")), &address("ana")), device);
    }

    #[test]
    fn a_browser_knows_several_accounts_and_forgets_the_oldest() {
        let mut cookie = DeviceCookie(None);
        let names = ["a", "b", "c", "d", "e", "f"];
        for name in names {
            cookie = DeviceCookie(Some(now().kept(&cookie, &stranger(name))));
        }
        let known = |name: &&str| now().claimant_of_browser(&cookie, address(name)).device.is_some();
        assert_eq!(
            names.iter().filter(|name| known(name)).collect::<Vec<_>>(),
            ["b", "c", "d", "e", "f"].iter().collect::<Vec<_>>()
        );
        let again = now().claimant_of_browser(&cookie, address("c"));
        let renewed = DeviceCookie(Some(now().kept(&cookie, &again)));
        assert_eq!(renewed.tokens().count(), 5);
        assert_eq!(now().claimant_of_browser(&renewed, address("c")), again);
        assert_eq!(now().claimant_of_browser(&DeviceCookie(Some("junk~~".repeat(1000))), address("c")), stranger("c"));
    }

    #[test]
    fn a_program_with_a_token_that_is_not_its_own_is_a_stranger() {
        let own = DeviceHeader(Some(now().issue(&stranger("ana"))));
        assert!(now().claimant_of_client(&own, address("ana")).device.is_some());
        for other in [Some(now().issue(&stranger("eve"))), Some(tokens("b", TimeDelta::zero()).issue(&stranger("ana")))]
        {
            assert_eq!(now().claimant_of_client(&DeviceHeader(other), address("ana")), stranger("ana"));
        }
        assert_eq!(now().claimant_of_client(&DeviceHeader(None), address("ana")), stranger("ana"));
    }
}
