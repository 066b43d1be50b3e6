use actix_web::{HttpRequest, HttpResponse};
use comanda_application::{Live, live::Watch};
use comanda_domain::{OrderId, ports::Unavailable};

use crate::http::{
    extract::{Path, Service, Watcher},
    live::{EventStream, LastEventId, Streams, Topic},
    problem::{Failure, Problem},
    wire::OrderResponse,
};

type OrderEvents = EventStream<OrderResponse, OrderResponse>;

/// Watches an order: a customer's own, staff any
///
/// Server-sent events. `snapshot` comes first and shows the order, as `get_order` does; then there is an `order` with
/// the order for each of its versions. Each has an `id`; a client that comes again with the last one misses nothing and
/// gets nothing twice. If that is impossible, a `reset` comes before the `snapshot`. There is a comment at least every
/// 15 s. The stream ends with the session, when the credential expires, and when the server stops.
#[utoipa::path(
    get, path = "/v1/orders/{id}/events", operation_id = "watch_order",
    responses((
        status = 200, description = "Events, for as long as the client listens",
        body = inline(OrderEvents), content_type = "text/event-stream",
        headers(
            ("Cache-Control" = String, description = "`no-store`"),
            ("X-Accel-Buffering" = String, description = "`no`: a proxy is to hand over each event at once"),
        ),
    ))
)]
pub async fn watch(
    request: HttpRequest,
    live: Service<Live>,
    streams: Service<Streams>,
    watcher: Watcher,
    Path(id): Path<OrderId>,
    LastEventId(last_event_id): LastEventId,
) -> Result<HttpResponse, Failure<Unavailable>> {
    let counted = streams.enter(&request, watcher)?;
    let watch = live.watch_order(watcher.actor, id, last_event_id.as_deref()).await?;
    let Watch { shown, position, beginning } = watch.ok_or_else(|| Problem::not_found("order"))?;
    let watch = Watch { shown: OrderResponse::with_lines(&shown), position, beginning };
    Ok(streams.respond(&request, counted, watcher, Topic::Order(id), &watch)?)
}
