use actix_web::HttpResponse;
use comanda_application::Menu;
use comanda_domain::{
    ChoiceBounds, ChoiceBoundsError, Currency, GroupOffer, GroupOffers, GroupOffersError, MenuItemId, OfferFault,
    OptionGroupId, OptionId, OptionPrice, ports::OfferGroupsError,
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{edit::revision_seen, etag, option_groups::uuid};
use crate::http::{
    extract::{IfMatch, Json, Path, Service, Staff},
    problem::{Code, Failure, Problem, problems},
    validation::{Violation, ViolationCode, Violations},
    wire::{MenuItemResponse, PriceRequest, Shown, WireInteger},
};

/// In KiB: twenty groups with a price for each of fifty options, and room for spaces.
const LARGEST: usize = 256;

/// Says which option groups a menu item offers, and how
///
/// The body may have up to 256 KiB, so that there is room for every price.
#[utoipa::path(
    put, path = "/v1/menu/items/{id}/option-groups", operation_id = "offer_option_groups",
    request_body = inline(OffersRequest),
    responses((status = 200, description = "The menu item", body = MenuItemResponse,
        headers(("ETag" = String, description = "The revision"))))
)]
pub async fn offer_option_groups(
    menu: Service<Menu>,
    currency: Service<Currency>,
    Staff(staff): Staff,
    Path(id): Path<MenuItemId>,
    if_match: IfMatch,
    Json(OffersRequest(request)): Json<OffersRequest, LARGEST>,
) -> Result<HttpResponse, Failure<OfferGroupsError>> {
    let offers = validate(&request, *currency)?;
    let revision = revision_seen(&menu, staff, id, &if_match, OfferGroupsError::NotFound).await?;
    let item = menu.offer_option_groups(staff, id, revision, offers).await?;
    Ok(HttpResponse::Ok().insert_header(etag(&item)).json(MenuItemResponse::new(&item, Shown::ToStaff)))
}

/// The groups that a menu item offers, in the order in which the menu shows them; none of them twice.
#[derive(Deserialize, ToSchema)]
#[schema(max_items = 20)]
pub struct OffersRequest(Vec<OfferRequest>);

/// A group that a menu item offers.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = GroupOffer)]
pub struct OfferRequest {
    #[schema(value_type = uuid::Uuid)]
    group_id: String,
    /// How many options of the group go with one of the menu item, at least; above zero, the group is required.
    #[schema(value_type = i64, minimum = 0, maximum = 100, example = 0)]
    min: WireInteger,
    /// How many go with one of the menu item, at most; not below `min`.
    #[schema(value_type = i64, minimum = 1, maximum = 100, example = 3)]
    max: WireInteger,
    /// How often each option goes with one of the menu item, at most; once unless given.
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 100)]
    max_each: Option<WireInteger>,
    /// What options cost with this menu item, where that differs from their own prices.
    #[schema(max_items = 50)]
    prices: Option<Vec<OptionPriceRequest>>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OptionPrice)]
pub struct OptionPriceRequest {
    #[schema(value_type = uuid::Uuid)]
    option_id: String,
    #[schema(inline)]
    price: PriceRequest,
}

fn validate(request: &[OfferRequest], currency: Currency) -> Result<GroupOffers, Problem> {
    let mut violations = Violations::default();
    if request.len() > GroupOffers::MAX {
        violations.add("", ViolationCode::OutOfRange, GroupOffersError::TooMany.to_string());
        return violations.finish(None);
    }
    let offers: Vec<Option<GroupOffer>> =
        request.iter().enumerate().map(|(at, offer)| offer.validate(at, currency, &mut violations)).collect();
    let offers = offers.into_iter().collect::<Option<Vec<GroupOffer>>>().map(GroupOffers::new);
    let offers = match offers {
        Some(Err(GroupOffersError::Repeated { groups, prices })) => {
            for at in groups {
                violations.add(
                    format!("/{at}/group_id"),
                    ViolationCode::Repeated,
                    "is a group that is on the list already",
                );
            }
            for (at, price) in prices {
                let pointer = format!("/{at}/prices/{price}/option_id");
                violations.add(pointer, ViolationCode::Repeated, "is an option that has a price already");
            }
            None
        }
        Some(Err(error)) => {
            violations.add("", ViolationCode::OutOfRange, error.to_string());
            None
        }
        Some(Ok(offers)) => Some(offers),
        None => None,
    };
    violations.finish(offers)
}

impl OfferRequest {
    fn validate(&self, at: usize, currency: Currency, violations: &mut Violations) -> Option<GroupOffer> {
        let group_id = uuid(&format!("/{at}/group_id"), &self.group_id, violations);
        let max_each = self.max_each.map_or(ChoiceBounds::DEFAULT_MAX_EACH, |max_each| max_each.0);
        let bounds = ChoiceBounds::new(self.min.0, self.max.0, max_each)
            .map_err(|errors| {
                for error in errors {
                    let field = match error {
                        ChoiceBoundsError::Min | ChoiceBoundsError::MinAboveMax => "min",
                        ChoiceBoundsError::Max => "max",
                        ChoiceBoundsError::MaxEach => "max_each",
                    };
                    violations.add(format!("/{at}/{field}"), ViolationCode::OutOfRange, error.to_string());
                }
            })
            .ok();
        let prices = self.prices.iter().flatten().enumerate();
        let prices: Vec<Option<OptionPrice>> =
            prices.map(|(n, price)| price.validate(&format!("/{at}/prices/{n}"), currency, violations)).collect();
        let prices = prices.into_iter().collect::<Option<_>>();
        Some(GroupOffer { group_id: OptionGroupId::new(group_id?), bounds: bounds?, prices: prices? })
    }
}

impl OptionPriceRequest {
    fn validate(&self, pointer: &str, currency: Currency, violations: &mut Violations) -> Option<OptionPrice> {
        let option_id = uuid(&format!("{pointer}/option_id"), &self.option_id, violations);
        let price = self.price.read(&format!("{pointer}/price"), currency, violations);
        Some(OptionPrice { option_id: OptionId::new(option_id?), price: price? })
    }
}

impl From<OfferGroupsError> for Problem {
    fn from(error: OfferGroupsError) -> Self {
        match error {
            OfferGroupsError::NotFound => Self::not_found("menu item"),
            OfferGroupsError::Stale { current } => Self::stale(current),
            OfferGroupsError::Impossible(faults) => {
                let violation = |(at, fault): (usize, OfferFault)| {
                    let (pointer, code) = match fault {
                        OfferFault::UnknownGroup => (format!("/{at}/group_id"), ViolationCode::UnknownOptionGroup),
                        OfferFault::TooFewOptions => (format!("/{at}/min"), ViolationCode::TooFewOptions),
                        OfferFault::UnknownOption { price } => {
                            (format!("/{at}/prices/{price}/option_id"), ViolationCode::UnknownOption)
                        }
                    };
                    Violation { pointer, code, detail: fault.to_string() }
                };
                Self::new(Code::ValidationFailed, "The menu item cannot offer these groups so.")
                    .errors(faults.into_iter().map(violation).collect())
            }
            OfferGroupsError::Unavailable(cause) => cause.into(),
        }
    }
}

problems! {
    OfferGroupsError: [NotFound, PreconditionFailed, ValidationFailed, Unavailable];
    NotFound,
    Stale { current: 2 },
    Impossible(vec![
        (0, OfferFault::UnknownGroup), (1, OfferFault::TooFewOptions), (1, OfferFault::UnknownOption { price: 2 })
    ]),
    Unavailable(Unavailable::new("test")),
}
