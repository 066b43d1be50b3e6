use actix_web::{HttpRequest, HttpResponse};
use comanda_application::{Live, live::Watch};
use comanda_domain::{OPEN_TICKETS_SHOWN, StationId, Ticket, ports::Unavailable};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::TicketResponse;
use crate::http::{
    extract::{Query, Service, StaffWatcher},
    live::{EventStream, LastEventId, Streams, Topic},
    problem::{Failure, Problem},
    validation::{ViolationCode, Violations},
};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WatchedStation {
    /// Only tickets of this station.
    #[param(value_type = Option<Uuid>)]
    station: Option<String>,
}

impl WatchedStation {
    fn validate(self) -> Result<Option<StationId>, Problem> {
        let Some(written) = self.station else { return Ok(None) };
        let mut violations = Violations::default();
        let station = violations.read::<Uuid>("/station", &written, ViolationCode::NotAUuid);
        violations.finish(station.map(|id| Some(StationId::new(id))))
    }
}

/// What a stream of the kitchen begins with.
#[derive(Serialize, ToSchema)]
#[schema(as = KitchenSnapshot)]
pub struct KitchenSnapshotResponse {
    /// Those that are queued, cooking, or ready since an hour at most, the oldest first. Of those that are open, the
    /// oldest 10,000; of those that are ready, the youngest 10,000.
    tickets: Vec<TicketResponse>,
    /// Whether more may be open than these. `list_tickets` lists them by their state.
    more_open: bool,
}

impl KitchenSnapshotResponse {
    fn of(shown: &[Ticket]) -> Self {
        let open = shown.iter().filter(|ticket| ticket.state.is_open()).count();
        Self { tickets: shown.iter().map(Into::into).collect(), more_open: open >= OPEN_TICKETS_SHOWN }
    }
}

type KitchenEvents = EventStream<KitchenSnapshotResponse, TicketResponse>;

/// Watches the tickets of the kitchen, or of one station
///
/// Server-sent events. `snapshot` comes first and shows the tickets, under `tickets`: the oldest ten thousand that are
/// open, where `more_open` says that there may be others, which `list_tickets` lists by their state. Then there is a
/// `ticket` with the ticket for each that changes, as it is by then. Each has an `id`; a client that comes again with
/// the last one misses nothing and gets nothing twice. If that is impossible, a `reset` comes before the `snapshot`.
/// There is a comment at least every 15 s. The stream ends with the session, when the credential expires, when the
/// client takes nothing of it, and when the server stops.
#[utoipa::path(
    get, path = "/v1/kitchen/events", operation_id = "watch_kitchen",
    responses((
        status = 200, description = "Events, for as long as the client listens",
        body = inline(KitchenEvents), content_type = "text/event-stream",
        headers(
            ("Cache-Control" = String, description = "`no-store`"),
            ("X-Accel-Buffering" = String, description = "`no`: a proxy is to hand over each event at once"),
        ),
    ))
)]
pub async fn watch_kitchen(
    request: HttpRequest,
    live: Service<Live>,
    streams: Service<Streams>,
    StaffWatcher(staff, watcher): StaffWatcher,
    Query(query): Query<WatchedStation>,
    LastEventId(last_event_id): LastEventId,
) -> Result<HttpResponse, Failure<Unavailable>> {
    let station = query.validate()?;
    let counted = streams.enter(&request, watcher)?;
    let watch = live.watch_kitchen(staff, station, last_event_id.as_deref()).await?;
    let Watch { shown, position, beginning } = watch.ok_or_else(|| Problem::not_found("station"))?;
    let shown = KitchenSnapshotResponse::of(&shown);
    let watch = Watch { shown, position, beginning };
    Ok(streams.respond(&request, counted, watcher, Topic::Kitchen(station), &watch)?)
}
