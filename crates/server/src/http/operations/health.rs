//! Whether the process lives, and whether orders can be placed.

use std::sync::Arc;

use actix_web::HttpResponse;
use comanda_domain::ports::ComponentHealth;
use futures_util::join;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    http::{
        draining::Draining,
        extract::Service,
        wire::{WireTime, names},
    },
    workers::WorkerHealth,
};

/// What a server depends on.
#[derive(Clone)]
pub struct Health {
    pub postgres: Arc<dyn ComponentHealth>,
    pub redis: Arc<dyn ComponentHealth>,
    pub workers: WorkerHealth,
    /// A server that is about to stop is not ready.
    pub draining: Draining,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Liveness)]
pub struct LivenessResponse {
    #[schema(value_type = names::LivenessStatus)]
    status: &'static str,
}

#[derive(Serialize, ToSchema)]
pub struct HealthResponse {
    /// `ok`; `degraded`: orders can be placed; `unavailable`: they cannot.
    #[schema(value_type = names::HealthStatus)]
    status: &'static str,
    components: Components,
    /// What works in the background.
    workers: Vec<WorkerResponse>,
}

#[derive(Serialize, ToSchema)]
struct Components {
    postgres: Component,
    redis: Component,
}

#[derive(Serialize, ToSchema)]
struct Component {
    #[schema(value_type = names::ComponentStatus)]
    status: &'static str,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Worker)]
struct WorkerResponse {
    #[schema(example = "commit_orders")]
    name: String,
    /// `running`; `restarting`: it panicked and has not worked since; `ended`: it has stopped.
    #[schema(value_type = names::WorkerStatus)]
    status: &'static str,
    /// When it last finished a piece of work. There may have been none for it since.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_success_at: Option<WireTime>,
}

/// Shows whether the process runs
///
/// For whoever restarts a process that hangs. Nothing else is looked at, so that a database that is away restarts no
/// servers.
#[utoipa::path(
    get, path = "/health/live", operation_id = "get_liveness",
    responses((status = 200, description = "The process runs", body = LivenessResponse))
)]
pub async fn live() -> HttpResponse {
    HttpResponse::Ok().json(LivenessResponse { status: "ok" })
}

/// Shows whether orders can be placed
///
/// For whoever decides which servers get requests. It says of each component and of each worker in the background how
/// it is.
#[utoipa::path(
    get, path = "/health/ready", operation_id = "get_readiness",
    responses(
        (status = 200, description = "Orders can be placed", body = HealthResponse),
        (status = 503, description = "Orders cannot be placed, or the server is about to stop", body = HealthResponse,
            headers(("Retry-After" = u32, description = "After how many seconds to ask again"))),
    )
)]
pub async fn ready(health: Service<Health>) -> HttpResponse {
    respond(&health).await
}

async fn respond(health: &Health) -> HttpResponse {
    let (postgres, redis) = join!(health.postgres.check(), health.redis.check());
    for (component, outcome) in [("postgres", &postgres), ("redis", &redis)] {
        if let Err(cause) = outcome {
            tracing::warn!(component, %cause, "not healthy");
        }
    }
    // Orders are placed in PostgreSQL alone, by the committer. Those that arrive while the server is about to stop are
    // placed, too; but whoever asks should send them elsewhere.
    let orders_can_be_placed = postgres.is_ok() && health.workers.can_place_orders() && !health.draining.has_begun();
    let all_is_well = redis.is_ok() && health.workers.all_run();
    let (mut response, status) = match (orders_can_be_placed, all_is_well) {
        (true, true) => (HttpResponse::Ok(), "ok"),
        (true, false) => (HttpResponse::Ok(), "degraded"),
        (false, _) => (HttpResponse::ServiceUnavailable(), "unavailable"),
    };
    if status == "unavailable" {
        response.insert_header(("retry-after", 1));
    }
    let component = |healthy: bool| Component { status: if healthy { "ok" } else { "unavailable" } };
    let components = Components { postgres: component(postgres.is_ok()), redis: component(redis.is_ok()) };
    let workers = health.workers.report().into_iter().map(|worker| WorkerResponse {
        name: worker.name.to_owned(),
        status: worker.state.as_str(),
        last_success_at: worker.last_success.map(WireTime),
    });
    response.json(HealthResponse { status, components, workers: workers.collect() })
}

#[cfg(test)]
mod tests {
    use actix_web::body::to_bytes;
    use comanda_domain::ports::{MockClock, MockComponentHealth};
    use serde_json::{Value, json};

    use super::*;
    use crate::workers::{Worker, Workers};

    fn well() -> Arc<dyn ComponentHealth> {
        let mut component = MockComponentHealth::new();
        component.expect_check().returning(|| Ok(()));
        Arc::new(component)
    }

    async fn ask(health: &Health) -> (u16, Value) {
        let response = respond(health).await;
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body()).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }

    /// A response in the pause after a worker has panicked.
    async fn with_a_dead_worker(worker: impl Fn(Worker) -> Worker) -> (u16, Value) {
        let mut clock = MockClock::new();
        clock.expect_now().returning(|| comanda_domain::Timestamp::UNIX_EPOCH);
        let mut workers = Workers::new(Arc::new(clock));
        let (panicking, mut panicked) = tokio::sync::mpsc::unbounded_channel();
        workers.register(Worker::new("steady", |context| async move {
            context.succeeded();
            context.cancelled().await;
        }));
        workers.register(worker(Worker::new("fragile", move |_| {
            let panicking = panicking.clone();
            async move {
                panicking.send(()).unwrap();
                panic!("in this test")
            }
        })));
        let health =
            Health { postgres: well(), redis: well(), workers: workers.health(), draining: Draining::default() };
        let _running = workers.start().unwrap();
        panicked.recv().await.unwrap();
        ask(&health).await
    }

    #[tokio::test(start_paused = true)]
    async fn without_its_committer_a_server_is_not_ready() {
        let (status, body) = with_a_dead_worker(Worker::places_orders).await;
        assert_eq!((status, &body["status"]), (503, &json!("unavailable")));
        assert_eq!(body["components"]["postgres"]["status"], "ok");
        assert_eq!(
            body["workers"],
            json!([
                { "name": "steady", "status": "running", "last_success_at": "1970-01-01T00:00:00.000Z" },
                { "name": "fragile", "status": "restarting" },
            ])
        );
    }

    #[tokio::test(start_paused = true)]
    async fn without_another_worker_it_is_degraded() {
        let (status, body) = with_a_dead_worker(|worker| worker).await;
        assert_eq!((status, &body["status"]), (200, &json!("degraded")));
    }
}
