use comanda_domain::{Currency, Money, Price};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Patched, WireInteger, names};
use crate::http::validation::{ViolationCode, Violations};

/// An amount in minor units (ISO 4217).
#[derive(Serialize, ToSchema)]
#[schema(as = Money)]
pub struct MoneyResponse {
    /// 1250 with EUR is 12.50 €.
    #[schema(example = 1250)]
    amount: i64,
    #[schema(value_type = names::Currency)]
    currency: String,
}

impl From<Money> for MoneyResponse {
    fn from(money: Money) -> Self {
        Self { amount: money.amount(), currency: money.currency().to_string() }
    }
}

/// The price of a menu item, in minor units of the deployment's currency.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Price)]
pub struct PriceRequest {
    #[schema(value_type = i64, minimum = 0, maximum = 100_000_000, example = 1250)]
    amount: WireInteger,
    /// Must be the deployment's currency.
    #[schema(value_type = names::Currency)]
    currency: String,
}

impl PriceRequest {
    pub fn read(&self, pointer: &str, currency: Currency, violations: &mut Violations) -> Option<Price> {
        read(Some(self.amount), Some(&self.currency), pointer, currency, violations)
    }
}

/// A [`PriceRequest`] in which null is a violation where it stands: in a PATCH, and within options.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PatchedPriceRequest {
    // Neither may be left out.
    #[serde(deserialize_with = "Patched::deserialize")]
    amount: Patched<WireInteger>,
    #[serde(deserialize_with = "Patched::deserialize")]
    currency: Patched<String>,
}

impl PatchedPriceRequest {
    pub fn read(&self, pointer: &str, expected: Currency, violations: &mut Violations) -> Option<Price> {
        let amount = self.amount.as_ref().required(&format!("{pointer}/amount"), violations).copied();
        let currency = self.currency.as_ref().required(&format!("{pointer}/currency"), violations);
        read(amount, currency.map(String::as_str), pointer, expected, violations)
    }
}

/// What is `None` is a violation already.
fn read(
    amount: Option<WireInteger>,
    currency: Option<&str>,
    pointer: &str,
    expected: Currency,
    violations: &mut Violations,
) -> Option<Price> {
    let price = amount.map(|amount| Price::new(amount.0, expected));
    let price = violations.check_optional(format!("{pointer}/amount"), price);
    if currency? == expected.code() {
        return price;
    }
    violations.add(format!("{pointer}/currency"), ViolationCode::WrongCurrency, format!("must be {expected}"));
    None
}
