use comanda_application::orders::RelatedOrder;
use comanda_domain::{Order, OrderLine, OrderWithLines, SelectedOption};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{MoneyResponse, PaymentResponse, UserResponse, WireTime, names};

#[derive(Serialize, ToSchema)]
#[schema(as = Order)]
pub struct OrderResponse {
    id: Uuid,
    /// Short and human, for calling out at the counter.
    #[schema(example = "K417")]
    number: String,
    #[schema(value_type = names::OrderStatus)]
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
    /// As it was at the moment of ordering.
    name: String,
    /// As it was at the moment of ordering.
    unit_price: MoneyResponse,
    quantity: u32,
    /// As they were at the moment of ordering.
    selections: Vec<SelectedOptionResponse>,
    /// `quantity` × (`unit_price` + what the selections cost).
    line_total: MoneyResponse,
    #[schema(required)]
    note: Option<String>,
}

/// An option that was chosen with a line.
#[derive(Serialize, ToSchema)]
#[schema(as = SelectedOption)]
pub struct SelectedOptionResponse {
    option_id: Uuid,
    /// The name of its group.
    group: String,
    name: String,
    /// How often it goes with one of the menu item.
    quantity: u32,
    unit_price: MoneyResponse,
}

fn selected(option: &SelectedOption) -> SelectedOptionResponse {
    SelectedOptionResponse {
        option_id: option.option_id.as_uuid(),
        group: option.group.as_str().to_owned(),
        name: option.name.as_str().to_owned(),
        quantity: option.quantity.get(),
        unit_price: option.unit_price.into(),
    }
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
        Self { items: Some(order_lines(&placed.lines)), ..Self::new(&placed.order) }
    }

    pub fn with_relations(related: RelatedOrder) -> Self {
        Self {
            items: related.lines.as_deref().map(order_lines),
            customer: related.customer.map(Into::into),
            payments: related.payments.map(|payments| payments.into_iter().map(Into::into).collect()),
            ..Self::new(&related.order)
        }
    }
}

pub fn order_lines(lines: &[OrderLine]) -> Vec<OrderLineResponse> {
    let line = |line: &OrderLine| OrderLineResponse {
        menu_item_id: line.menu_item_id.as_uuid(),
        name: line.name.as_str().to_owned(),
        unit_price: line.unit_price.into(),
        quantity: line.quantity.get(),
        selections: line.selections.iter().map(selected).collect(),
        line_total: line.line_total.into(),
        note: line.note.as_ref().map(|note| note.as_str().to_owned()),
    };
    lines.iter().map(line).collect()
}
