use comanda_application::orders::{RelatedOrder, Relations};
use comanda_domain::{
    basket::{Basket, BasketLine},
    ids::MenuItemId,
    order::{Order, OrderLine, OrderWithLines},
    order_status::OrderStatus,
    quantity::Quantity,
    text::{Note, Reason},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{MoneyResponse, PaymentResponse, UserResponse, WireInteger, WireTime};
use crate::http::{
    problem::{Code, Problem},
    validation::Violations,
};

#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaceOrderRequest {
    /// The same menu item may stand on several lines.
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
pub struct LineRequest {
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
}

impl PlaceOrderRequest {
    pub fn validate(&self) -> Result<(Basket, Option<Note>), Problem> {
        let mut violations = Violations::default();
        let note = violations.check_optional("/note", self.note.as_deref().map(Note::new));
        // The lines of an order that is too long anyway are not worth a violation each.
        let within_limit = self.items.iter().enumerate().take(Basket::MAX_LINES);
        let lines: Vec<BasketLine> =
            within_limit.filter_map(|(position, line)| line.validate(position, &mut violations)).collect();
        let basket = if (Basket::MIN_LINES..=Basket::MAX_LINES).contains(&self.items.len()) {
            Basket::new(lines).ok()
        } else {
            violations.add("/items", "out-of-range", comanda_domain::basket::BasketSizeOutOfRange.to_string());
            None
        };
        violations.finish(basket.map(|basket| (basket, note)))
    }
}

impl LineRequest {
    fn validate(&self, position: usize, violations: &mut Violations) -> Option<BasketLine> {
        let id = self.menu_item_id.parse().ok();
        if id.is_none() {
            violations.add(format!("/items/{position}/menu_item_id"), "not-a-uuid", "must be a UUID");
        }
        let quantity = violations.check(format!("/items/{position}/quantity"), Quantity::new(self.quantity.0));
        let note = violations.check_optional(format!("/items/{position}/note"), self.note.as_deref().map(Note::new));
        Some(BasketLine { menu_item_id: MenuItemId::new(id?), quantity: quantity?, note })
    }
}

#[derive(Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CancelOrderRequest {
    #[schema(
        pattern = r"^[^\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F]*$",
        min_length = 1,
        max_length = 300,
        example = "changed my mind"
    )]
    reason: Option<String>,
}

impl CancelOrderRequest {
    pub fn validate(&self) -> Result<Option<Reason>, Problem> {
        let mut violations = Violations::default();
        let reason = violations.check_optional("/reason", self.reason.as_deref().map(Reason::new));
        violations.finish(Some(reason))
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AdvanceOrderRequest {
    /// The next status: an order goes one step at a time.
    #[schema(pattern = "^(accepted|preparing|ready|completed)$", example = "accepted")]
    status: String,
}

impl AdvanceOrderRequest {
    pub fn validate(&self) -> Result<OrderStatus, Problem> {
        let mut violations = Violations::default();
        let status = status_in("/status", &self.status, &mut violations);
        violations.finish(status)
    }
}

pub fn status_in(pointer: &str, text: &str, violations: &mut Violations) -> Option<OrderStatus> {
    violations.read(pointer, text, "unknown-status")
}

/// `?include=a,b`
pub fn relations_in(include: Option<&str>) -> Result<Relations, Problem> {
    let mut relations = Relations::default();
    for name in include.unwrap_or_default().split(',').map(str::trim).filter(|name| !name.is_empty()) {
        match name {
            "items" => relations.items = true,
            "customer" => relations.customer = true,
            "payments" => relations.payments = true,
            _ => {
                let detail =
                    format!("An order has no relation {name:?}: include can name items, customer and payments.");
                return Err(Problem::new(Code::InvalidRequest, detail));
            }
        }
    }
    Ok(relations)
}

#[derive(Serialize, ToSchema)]
#[schema(as = Order)]
pub struct OrderResponse {
    id: Uuid,
    /// Short and human, for calling out at the counter.
    #[schema(example = "K417")]
    number: String,
    #[schema(example = "pending", pattern = "^(pending|accepted|preparing|ready|completed|cancelled)$")]
    status: &'static str,
    total: MoneyResponse,
    line_count: u32,
    #[schema(required)]
    note: Option<String>,
    customer_id: Uuid,
    created_at: WireTime,
    updated_at: WireTime,
    /// 1 when placed, one more with every change.
    version: u32,
    /// On request.
    #[serde(skip_serializing_if = "Option::is_none")]
    items: Option<Vec<OrderLineResponse>>,
    /// On request.
    #[serde(skip_serializing_if = "Option::is_none")]
    customer: Option<UserResponse>,
    /// On request.
    #[serde(skip_serializing_if = "Option::is_none")]
    payments: Option<Vec<PaymentResponse>>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = OrderLine)]
pub struct OrderLineResponse {
    menu_item_id: Uuid,
    /// Of the moment of ordering.
    name: String,
    /// Of the moment of ordering.
    unit_price: MoneyResponse,
    quantity: u32,
    line_total: MoneyResponse,
    #[schema(required)]
    note: Option<String>,
}

impl OrderResponse {
    pub fn new(order: &Order) -> Self {
        Self {
            id: order.id.as_uuid(),
            number: order.number.to_string(),
            status: order.status.as_str(),
            total: order.total.into(),
            line_count: order.line_count,
            note: order.note.as_ref().map(|note| note.as_str().to_owned()),
            customer_id: order.customer_id.as_uuid(),
            created_at: WireTime(order.created_at),
            updated_at: WireTime(order.updated_at),
            version: order.version,
            items: None,
            customer: None,
            payments: None,
        }
    }

    pub fn with_lines(placed: &OrderWithLines) -> Self {
        Self { items: Some(lines(&placed.lines)), ..Self::new(&placed.order) }
    }

    pub fn with_relations(related: RelatedOrder) -> Self {
        Self {
            items: related.lines.as_deref().map(lines),
            customer: related.customer.map(Into::into),
            payments: related.payments.map(|payments| payments.into_iter().map(Into::into).collect()),
            ..Self::new(&related.order)
        }
    }
}

fn lines(lines: &[OrderLine]) -> Vec<OrderLineResponse> {
    let line = |line: &OrderLine| OrderLineResponse {
        menu_item_id: line.menu_item_id.as_uuid(),
        name: line.name.as_str().to_owned(),
        unit_price: line.unit_price.into(),
        quantity: line.quantity.get(),
        line_total: line.line_total.into(),
        note: line.note.as_ref().map(|note| note.as_str().to_owned()),
    };
    lines.iter().map(line).collect()
}

#[derive(Serialize, ToSchema)]
pub struct OrderPage {
    pub data: Vec<OrderResponse>,
    /// Null on the last page.
    #[schema(required)]
    pub next_cursor: Option<String>,
}
