//! What the server sends to the addresses in `WEBHOOK_URLS`: events, signed as the Standard Webhooks specification
//! has it.

use serde::Serialize;
use utoipa::{
    ToSchema,
    openapi::{
        AllOfBuilder, ContentBuilder, HttpMethod, ObjectBuilder, PathItem, Paths, Ref, RefOr, Required,
        ResponseBuilder, ResponsesBuilder, Schema,
        path::{OperationBuilder, ParameterBuilder, ParameterIn},
        request_body::RequestBodyBuilder,
        security::SecurityRequirement,
    },
};
use uuid::Uuid;

use super::text;
use crate::http::wire::{MoneyResponse, SelectedOptionResponse, WireTime, names};

/// An order, as it was when the event happened.
#[derive(Serialize, ToSchema)]
struct OrderEventData {
    order_id: Uuid,
    #[schema(example = "K417")]
    number: String,
    #[schema(value_type = names::OrderStatus)]
    status: String,
    /// 1 when placed, one more with every change.
    version: u32,
    total: MoneyResponse,
    customer_id: Uuid,
}

/// An order that was placed.
#[derive(Serialize, ToSchema)]
struct PlacedOrderEventData {
    order_id: Uuid,
    #[schema(example = "K417")]
    number: String,
    #[schema(value_type = names::OrderStatus)]
    status: String,
    /// 1 when placed, one more with every change.
    version: u32,
    total: MoneyResponse,
    customer_id: Uuid,
    items: Vec<EventOrderLine>,
}

#[derive(Serialize, ToSchema)]
struct EventOrderLine {
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
}

/// An order and one of its payments, as they were when the event happened.
#[derive(Serialize, ToSchema)]
struct PaymentEventData {
    order_id: Uuid,
    #[schema(example = "K417")]
    number: String,
    #[schema(value_type = names::OrderStatus)]
    status: String,
    /// 1 when placed, one more with every change.
    version: u32,
    total: MoneyResponse,
    customer_id: Uuid,
    payment: EventPayment,
}

#[derive(Serialize, ToSchema)]
struct EventPayment {
    id: Uuid,
    #[schema(value_type = names::PaymentMethod)]
    method: String,
    amount: MoneyResponse,
    /// How much of it goes back, all in all.
    refunded: MoneyResponse,
}

/// A menu item.
#[derive(Serialize, ToSchema)]
struct MenuItemEventData {
    menu_item_id: Uuid,
    name: String,
}

/// The envelope is the same for every event; `data` is not.
macro_rules! cloud_events {
    ($($event:ident($data:ty);)+) => {
        $(
            /// An event in the JSON format of `CloudEvents` 1.0.
            #[derive(Serialize, ToSchema)]
            struct $event {
                #[schema(example = "1.0")]
                specversion: String,
                /// The same when the event is delivered again. No other event ever has it.
                id: Uuid,
                #[schema(format = "uri-reference", example = "/comanda")]
                source: String,
                r#type: String,
                /// The order or the menu item. Its events are delivered in order.
                subject: Uuid,
                time: WireTime,
                #[schema(example = "application/json")]
                datacontenttype: String,
                data: $data,
            }
        )+
    };
}

cloud_events! {
    OrderPlacedEvent(PlacedOrderEventData);
    OrderEvent(OrderEventData);
    PaymentEvent(PaymentEventData);
    MenuItemEvent(MenuItemEventData);
}

const GUARANTEES: &str = "Sent once it is committed; at least once, with the same `id` each time; and in order for \
    each `subject`. Answer 2xx to events that you do not know, too.";

type Schemas = Vec<(String, RefOr<Schema>)>;

/// Describes each, and adds the schemas it needs.
pub(super) fn webhooks(schemas: &mut Schemas) -> Paths {
    let placed = [("order.placed", "An order was placed")];
    let moved = [("order.status_changed", "An order has moved on, or was cancelled")];
    let paid = [
        ("payment.succeeded", "An order was paid"),
        ("payment.failed", "A card was refused; another attempt may succeed"),
        ("payment.refunded", "Money was given back"),
    ];
    let sold_out = [("item.sold_out", "A menu item is sold out")];
    let mut paths = Paths::new();
    paths.paths.extend(webhooks_with::<OrderPlacedEvent>(&placed, schemas));
    paths.paths.extend(webhooks_with::<OrderEvent>(&moved, schemas));
    paths.paths.extend(webhooks_with::<PaymentEvent>(&paid, schemas));
    paths.paths.extend(webhooks_with::<MenuItemEvent>(&sold_out, schemas));
    paths
}

/// The webhooks of all types of events that have this schema. Each says its own type, and the schema says all of them.
fn webhooks_with<T: ToSchema>(types: &[(&str, &str)], schemas: &mut Schemas) -> Vec<(String, PathItem)> {
    let mut schema = T::schema();
    if let RefOr::T(Schema::Object(event)) = &mut schema {
        let all = text().enum_values(Some(types.iter().map(|(name, _)| *name)));
        event.properties.insert("type".to_owned(), all.into());
    }
    schemas.push((T::name().into_owned(), schema));
    T::schemas(schemas);
    let event = Ref::from_schema_name(T::name());
    let narrowed = |name: &str| -> RefOr<Schema> {
        if types.len() == 1 {
            return event.clone().into();
        }
        let of_type = ObjectBuilder::new().property("type", text().enum_values(Some([name]))).required("type");
        AllOfBuilder::new().item(event.clone()).item(of_type).into()
    };
    types.iter().map(|(name, summary)| ((*name).to_owned(), webhook(name, narrowed(name), summary))).collect()
}

fn webhook(name: &str, schema: RefOr<Schema>, summary: &str) -> PathItem {
    let event = ContentBuilder::new().schema(Some(schema)).build();
    let header = |name: &str, required: Required, description: &str| {
        let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Header).required(required);
        parameter.schema(Some(text())).description(Some(description)).build()
    };
    let response = |description: &str| ResponseBuilder::new().description(description).build();
    let operation = OperationBuilder::new()
        .tag("events")
        .operation_id(Some(format!("receive_{}", name.replace('.', "_"))))
        .summary(Some(summary))
        .description(Some(GUARANTEES))
        .security(SecurityRequirement::default())
        .parameter(header("webhook-id", Required::True, "The event's `id`"))
        .parameter(header("webhook-timestamp", Required::True, "When this attempt was made, in seconds since 1970"))
        .parameter(header(
            "webhook-signature",
            Required::True,
            "`v1,` and, in base64, HMAC-SHA-256 over `<webhook-id>.<webhook-timestamp>.<body>` with the secret; while the \
             secret is being replaced, one with each, separated by a space: accept the event if one of them is yours",
        ))
        .parameter(header("traceparent", Required::False, "The W3C trace context of the delivery"))
        .request_body(Some(
            RequestBodyBuilder::new()
                .content("application/cloudevents+json", event)
                .required(Some(Required::True))
                .build(),
        ))
        .responses(
            ResponsesBuilder::new()
                .response("2XX", response("The event was received"))
                .response(
                    "4XX",
                    response("The event is sent again later, and is a dead letter after `OUTBOX_ATTEMPTS` attempts"),
                )
                .response("5XX", response("The same, but a receiver that goes on so is left alone meanwhile")),
        )
        .build();
    PathItem::new(HttpMethod::Post, operation)
}
