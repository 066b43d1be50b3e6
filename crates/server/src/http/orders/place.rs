use actix_web::{
    HttpResponse,
    http::{StatusCode, header},
};
use comanda_application::Orders;
use comanda_domain::{
    Basket, BasketLine, BasketSizeOutOfRange, KeyRefusal, MenuItemId, MisfitKind, Note, OptionId, OrderLimitReached,
    OrderWithLines, Quantity, Selection, SelectionFault, Selections, Shortage, TooManySelections,
    ports::{Idempotent as Replayable, PlaceOrderError},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::{
    extract::{Idempotent, Json, OrderAttempts, Service, SignedIn, replayable},
    problem::{Code, Failure, Problem, ShortageDocument, SupplyShortageDocument, problems},
    validation::{Violation, ViolationCode, Violations},
    wire::{OrderResponse, WireInteger},
};

/// Places an order
///
/// All of it or nothing: where a menu item is short, nothing is taken and every shortage is listed.
#[utoipa::path(
    post, path = "/v1/orders", operation_id = "place_order",
    request_body = PlaceOrderRequest,
    responses((status = 201, description = "The order", body = OrderResponse,
        headers(("Location" = String, description = "Where the order is"))))
)]
pub async fn place(
    orders: Service<Orders>,
    attempts: OrderAttempts,
    SignedIn(customer): SignedIn,
    Idempotent(Json(request), key): Idempotent<Json<PlaceOrderRequest>>,
) -> Result<HttpResponse, Failure<PlaceOrderError>> {
    let (basket, note) = request.validate()?;
    if let Err(refusal) = attempts.admit(customer).await {
        // A repetition is no new attempt.
        return match orders.find_placed(customer, key.as_ref()).await {
            Ok(Some(order)) => Ok(response(&order, true)),
            Ok(None) => Err(refusal.into()),
            Err(error) => {
                tracing::info!(%error, "what was placed under a key was not looked up");
                Err(refusal.into())
            }
        };
    }
    let placed = orders.place(customer, basket, note, key).await;
    if is_repetition(&placed) {
        attempts.give_back(customer).await;
    }
    let placed = placed?;
    Ok(response(&placed.outcome, placed.replayed))
}

/// A request whose first one was carried out before, or is being carried out, is no new attempt either.
const fn is_repetition(placed: &Result<Replayable<OrderWithLines>, PlaceOrderError>) -> bool {
    matches!(placed, Ok(Replayable { replayed: true, .. }) | Err(PlaceOrderError::Key(KeyRefusal::InProgress)))
}

fn response(placed: &OrderWithLines, replayed: bool) -> HttpResponse {
    replayable(StatusCode::CREATED, replayed)
        .insert_header((header::LOCATION, format!("/v1/orders/{}", placed.order.id)))
        .json(OrderResponse::with_lines(placed))
}

#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaceOrderRequest {
    /// The same menu item may be on several lines.
    #[schema(min_items = 1, max_items = 50)]
    items: Vec<LineRequest>,
    #[schema(
        pattern = r"^[^\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F]*$",
        min_length = 1,
        max_length = 300,
        example = "birthday: please with a candle"
    )]
    note: Option<String>,
}

#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OrderLineRequest)]
struct LineRequest {
    #[schema(value_type = Uuid)]
    menu_item_id: String,
    #[schema(value_type = i64, minimum = 1, maximum = 100, example = 2)]
    quantity: WireInteger,
    #[schema(
        pattern = r"^[^\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F]*$",
        min_length = 1,
        max_length = 300,
        example = "no onions"
    )]
    note: Option<String>,
    /// What is chosen with each of them. The same option may be there more than once, which counts together.
    #[schema(max_items = 100)]
    #[serde(skip_serializing_if = "Option::is_none")]
    selections: Option<Vec<SelectionRequest>>,
}

#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SelectionRequest)]
struct SelectionRequest {
    #[schema(value_type = Uuid)]
    option_id: String,
    /// How often it goes with one of the menu item; once unless given.
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 100)]
    quantity: Option<WireInteger>,
}

impl PlaceOrderRequest {
    pub(super) fn validate(&self) -> Result<(Basket, Option<Note>), Problem> {
        let mut violations = Violations::default();
        let note = violations.check_optional("/note", self.note.as_deref().map(Note::new));
        // The lines of an order that is too long anyway are not worth a violation each.
        let within_limit = self.items.iter().enumerate().take(Basket::MAX_LINES);
        let lines: Vec<BasketLine> =
            within_limit.filter_map(|(position, line)| line.validate(position, &mut violations)).collect();
        let basket = if (Basket::MIN_LINES..=Basket::MAX_LINES).contains(&self.items.len()) {
            Basket::new(lines).ok()
        } else {
            violations.add("/items", ViolationCode::OutOfRange, BasketSizeOutOfRange.to_string());
            None
        };
        violations.finish(basket.map(|basket| (basket, note)))
    }
}

impl LineRequest {
    fn validate(&self, position: usize, violations: &mut Violations) -> Option<BasketLine> {
        let id = self.menu_item_id.parse().ok();
        if id.is_none() {
            violations.add(format!("/items/{position}/menu_item_id"), ViolationCode::NotAUuid, "must be a UUID");
        }
        let quantity = violations.check(format!("/items/{position}/quantity"), Quantity::new(self.quantity.0));
        let note = violations.check_optional(format!("/items/{position}/note"), self.note.as_deref().map(Note::new));
        let selections = self.selections(position, violations);
        Some(BasketLine { menu_item_id: MenuItemId::new(id?), quantity: quantity?, selections: selections?, note })
    }

    fn selections(&self, position: usize, violations: &mut Violations) -> Option<Selections> {
        let requested = self.selections.as_deref().unwrap_or_default();
        if requested.len() > Selections::MAX {
            let pointer = format!("/items/{position}/selections");
            violations.add(pointer, ViolationCode::OutOfRange, TooManySelections.to_string());
            return None;
        }
        let selections = requested
            .iter()
            .enumerate()
            .map(|(at, selection)| selection.validate(&format!("/items/{position}/selections/{at}"), violations));
        let selections: Vec<Option<Selection>> = selections.collect();
        Selections::new(selections.into_iter().collect::<Option<_>>()?).ok()
    }
}

impl SelectionRequest {
    fn validate(&self, pointer: &str, violations: &mut Violations) -> Option<Selection> {
        let id = self.option_id.parse().ok();
        if id.is_none() {
            violations.add(format!("{pointer}/option_id"), ViolationCode::NotAUuid, "must be a UUID");
        }
        let quantity = self.quantity.map_or(1, |quantity| quantity.0);
        let quantity = violations.check(format!("{pointer}/quantity"), Quantity::new(quantity));
        Some(Selection { option_id: OptionId::new(id?), quantity: quantity? })
    }
}

impl From<PlaceOrderError> for Problem {
    fn from(error: PlaceOrderError) -> Self {
        match error {
            PlaceOrderError::UnknownItems(lines) => {
                let violation = |line| Violation {
                    pointer: format!("/items/{line}/menu_item_id"),
                    code: ViolationCode::UnknownItem,
                    detail: "is not on the menu".to_owned(),
                };
                Self::new(Code::UnknownItem, "The order names menu items that are not on the menu.")
                    .errors(lines.into_iter().map(violation).collect())
            }
            PlaceOrderError::InvalidSelections(faults) => {
                Self::new(Code::InvalidSelection, "What is chosen does not fit the menu items.")
                    .errors(faults.into_iter().map(misfit).collect())
            }
            PlaceOrderError::InsufficientStock(shortages) => {
                let items: Vec<ShortageDocument> = shortages.items.into_iter().map(shortage).collect();
                let supplies: Vec<SupplyShortageDocument> =
                    shortages.supplies.into_iter().map(SupplyShortageDocument::from).collect();
                Self::short("There is not enough left of what the order asks for.", &items, &supplies)
            }
            PlaceOrderError::LimitReached(reached) => limit_reached(reached),
            PlaceOrderError::TotalTooLarge => {
                let pointer = "/items".to_owned();
                let violation = Violation { pointer, code: ViolationCode::OutOfRange, detail: error.to_string() };
                Self::new(Code::ValidationFailed, "The total is too large.").errors(vec![violation])
            }
            PlaceOrderError::Key(refusal) => refusal.into(),
            PlaceOrderError::StockChanged => {
                Self::new(Code::StockChanged, "The stock kept changing until the deadline; please try again.")
            }
            PlaceOrderError::Unavailable(cause) => cause.into(),
        }
    }
}

fn limit_reached(reached: OrderLimitReached) -> Problem {
    /// It helps to pay or to cancel; waiting helps only when an order that nobody has accepted is cancelled unpaid.
    const RETRY_AFTER: u32 = 60;

    let detail = match reached {
        OrderLimitReached::OpenOrders { limit } => {
            format!("You may have {limit} unpaid orders open at a time: pay for one of them first, or cancel one.")
        }
        OrderLimitReached::Portions { limit, held, asked } => format!(
            "Your open unpaid orders may hold {limit} portions in total. They hold {held}, and this order asks for \
             {asked}: pay for one of them first, cancel one, or order less."
        ),
    };
    let problem = Problem::new(Code::RateLimited, detail).with("limit", reached.limit().as_str().into());
    problem.retry_after(RETRY_AFTER)
}

pub(super) fn shortage(shortage: Shortage) -> ShortageDocument {
    ShortageDocument {
        menu_item_id: shortage.menu_item_id.as_uuid(),
        requested: shortage.requested,
        available: shortage.available,
    }
}

fn misfit(SelectionFault { line, selection, misfit }: SelectionFault) -> Violation {
    let pointer = match selection {
        Some(selection) => format!("/items/{line}/selections/{selection}"),
        None => format!("/items/{line}"),
    };
    let code = match misfit.kind() {
        MisfitKind::TooFew => ViolationCode::TooFew,
        MisfitKind::TooMany => ViolationCode::TooMany,
        MisfitKind::UnknownOption => ViolationCode::UnknownOption,
    };
    Violation { pointer, code, detail: misfit.to_string() }
}

problems! {
    PlaceOrderError: [
        UnknownItem, InvalidSelection, InsufficientStock, RateLimited, ValidationFailed, IdempotencyKeyReused,
        IdempotencyInProgress, StockChanged, Unavailable
    ];
    UnknownItems(vec![0]),
    InvalidSelections(vec![
        SelectionFault { line: 0, selection: Some(2), misfit: comanda_domain::SelectionMisfit::UnknownOption }
    ]),
    InsufficientStock(comanda_domain::Shortages::default()),
    LimitReached(OrderLimitReached::OpenOrders { limit: 10 }),
    TotalTooLarge,
    Key(KeyRefusal::Reused) and (KeyRefusal::InProgress),
    StockChanged,
    Unavailable(Unavailable::new("test")),
}
