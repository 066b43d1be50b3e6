//! Options as requests write them.

use std::collections::BTreeSet;

use comanda_domain::{
    Allergen, Currency, OptionAmount, OptionDetails, OptionId, OptionName, OptionSupply, OptionsError, Price, SupplyId,
    WrittenOption, WrittenOptions,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::{
    problem::{Code, Problem},
    validation::{Violation, ViolationCode, Violations},
    wire::{Patched, PatchedPriceRequest, PriceRequest, WireInteger, names},
};

/// An option with all of its details: what is left out has its default.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = WrittenOption)]
pub struct OptionRequest {
    /// Which option of the group it is; a new one without it.
    #[schema(value_type = Option<uuid::Uuid>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[schema(value_type = String, pattern = r"^[^\x00-\x1F\x7F-\x9F]*$", min_length = 1, max_length = 120,
        example = "Guacamole")]
    #[serde(deserialize_with = "Patched::deserialize")]
    name: Patched<String>,
    /// What one costs in addition to the menu item; nothing unless given.
    #[schema(value_type = Option<PriceRequest>)]
    price: Option<PatchedPriceRequest>,
    /// What must be declared of it (Regulation (EU) No 1169/2011).
    #[schema(value_type = Option<Vec<names::Allergen>>)]
    allergens: Option<Vec<String>>,
    supply: Option<OptionSupplyRequest>,
}

/// What an option takes of a supply.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = WrittenOptionSupply)]
struct OptionSupplyRequest {
    #[schema(value_type = uuid::Uuid)]
    #[serde(deserialize_with = "Patched::deserialize")]
    supply_id: Patched<String>,
    /// In the unit of the supply. Below zero, it takes away from what the menu item takes of it. Not zero.
    #[schema(value_type = i64, minimum = -1_000_000, maximum = 1_000_000, example = 60)]
    #[serde(deserialize_with = "Patched::deserialize")]
    amount: Patched<WireInteger>,
}

/// The options of a group. `may_have_ids` says whether there can be any of them already.
pub fn validate_options(
    options: &[OptionRequest],
    may_have_ids: bool,
    currency: Currency,
    violations: &mut Violations,
) -> Option<WrittenOptions> {
    if options.len() > WrittenOptions::MAX {
        // The options of a list that is too long anyway are not worth a violation each.
        violations.add("/options", ViolationCode::OutOfRange, OptionsError::TooMany.to_string());
        return None;
    }
    let written: Vec<Option<WrittenOption>> = options
        .iter()
        .enumerate()
        .map(|(at, option)| option.validate(&format!("/options/{at}"), may_have_ids, currency, violations))
        .collect();
    let written: Vec<WrittenOption> = written.into_iter().collect::<Option<_>>()?;
    match WrittenOptions::new(written) {
        Ok(options) => Some(options),
        Err(OptionsError::Repeated { ids, names }) => {
            for at in ids {
                violations.add(
                    format!("/options/{at}/id"),
                    ViolationCode::Repeated,
                    "is an option that is on the list already",
                );
            }
            for at in names {
                violations.add(
                    format!("/options/{at}/name"),
                    ViolationCode::Taken,
                    "is the name of an option on the list already",
                );
            }
            None
        }
        Err(error) => {
            violations.add("/options", ViolationCode::OutOfRange, error.to_string());
            None
        }
    }
}

impl OptionRequest {
    fn validate(
        &self,
        pointer: &str,
        may_have_ids: bool,
        currency: Currency,
        violations: &mut Violations,
    ) -> Option<WrittenOption> {
        let id = match &self.id {
            None => Some(None),
            Some(_) if !may_have_ids => {
                violations.add(
                    format!("{pointer}/id"),
                    ViolationCode::UnknownOption,
                    "is no option of a group that is new",
                );
                None
            }
            Some(id) => uuid(&format!("{pointer}/id"), id, violations).map(|id| Some(OptionId::new(id))),
        };
        let name = self.name.as_ref().required(&format!("{pointer}/name"), violations);
        let name = name.and_then(|name| violations.check(format!("{pointer}/name"), OptionName::new(name)));
        let price = match &self.price {
            Some(price) => price.read(&format!("{pointer}/price"), currency, violations),
            None => violations.check(format!("{pointer}/price"), Price::new(0, currency)),
        };
        let allergens = self.allergens.as_deref().unwrap_or_default();
        let allergens = read_allergens(&format!("{pointer}/allergens"), allergens, violations);
        let supply = match &self.supply {
            Some(supply) => supply.validate(&format!("{pointer}/supply"), violations).map(Some),
            None => Some(None),
        };
        let details = OptionDetails { name: name?, price: price?, allergens: allergens?, supply: supply? };
        Some(WrittenOption { id: id?, details })
    }
}

/// The allergens with these codes, each once, in their own order.
pub fn read_allergens(pointer: &str, codes: &[String], violations: &mut Violations) -> Option<Vec<Allergen>> {
    let codes = codes.iter().enumerate();
    let read: Vec<Option<Allergen>> = codes
        .map(|(at, code)| violations.read(format!("{pointer}/{at}"), code, ViolationCode::UnknownAllergen))
        .collect();
    let known: BTreeSet<Allergen> = read.into_iter().collect::<Option<_>>()?;
    Some(known.into_iter().collect())
}

impl OptionSupplyRequest {
    fn validate(&self, pointer: &str, violations: &mut Violations) -> Option<OptionSupply> {
        let at = format!("{pointer}/supply_id");
        let supply_id = self.supply_id.as_ref().required(&at, violations).and_then(|id| uuid(&at, id, violations));
        let at = format!("{pointer}/amount");
        let amount = self.amount.as_ref().required(&at, violations);
        let amount = amount.and_then(|amount| violations.check(at, OptionAmount::new(amount.0)));
        Some(OptionSupply { supply_id: SupplyId::new(supply_id?), amount: amount? })
    }
}

/// The UUID, or `None` and a violation at `pointer`.
pub fn uuid(pointer: &str, text: &str, violations: &mut Violations) -> Option<uuid::Uuid> {
    let read = text.parse().ok();
    if read.is_none() {
        violations.add(pointer, ViolationCode::NotAUuid, "must be a UUID");
    }
    read
}

/// That the values at these pointers name something that there is not.
pub fn unknown(pointers: impl IntoIterator<Item = String>, code: ViolationCode, what: &str) -> Problem {
    let violation = |pointer| Violation { pointer, code, detail: format!("there is no such {what}") };
    let errors: Vec<Violation> = pointers.into_iter().map(violation).collect();
    Problem::new(Code::ValidationFailed, format!("There is no such {what}.")).errors(errors)
}

/// That a menu item names a station that there is not.
pub fn unknown_station() -> Problem {
    unknown(["/station_id".to_owned()], ViolationCode::UnknownStation, "station")
}

/// That options name supplies that there are not.
pub fn unknown_supplies(options: Vec<usize>) -> Problem {
    let pointers = options.into_iter().map(|at| format!("/options/{at}/supply/supply_id"));
    unknown(pointers, ViolationCode::UnknownSupply, "supply")
}
