//! Whether the process lives, and whether orders can be placed.

use std::sync::Arc;

use actix_web::HttpResponse;
use comanda_domain::ports::ComponentHealth;
use futures_util::join;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::{extract::Service, wire::names};

/// What a server depends on.
#[derive(Clone)]
pub struct Health {
    pub postgres: Arc<dyn ComponentHealth>,
    pub redis: Arc<dyn ComponentHealth>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Liveness)]
pub struct LivenessResponse {
    #[schema(example = "ok")]
    status: &'static str,
}

#[derive(Serialize, ToSchema)]
pub struct HealthResponse {
    /// `ok`; `degraded`: orders can be placed; `unavailable`: they cannot.
    #[schema(value_type = names::HealthStatus)]
    status: &'static str,
    components: Components,
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

/// Shows whether the process runs
#[utoipa::path(
    get, path = "/health/live", operation_id = "get_liveness",
    responses((status = 200, description = "The process runs", body = LivenessResponse))
)]
pub async fn live() -> HttpResponse {
    HttpResponse::Ok().json(LivenessResponse { status: "ok" })
}

/// Shows whether orders can be placed
#[utoipa::path(
    get, path = "/health/ready", operation_id = "get_readiness",
    responses(
        (status = 200, description = "Orders can be placed", body = HealthResponse),
        (status = 503, description = "Orders cannot be placed", body = HealthResponse,
            headers(("Retry-After" = u32, description = "After how many seconds to ask again"))),
    )
)]
pub async fn ready(health: Service<Health>) -> HttpResponse {
    let (postgres, redis) = join!(health.postgres.check(), health.redis.check());
    for (component, outcome) in [("postgres", &postgres), ("redis", &redis)] {
        if let Err(cause) = outcome {
            tracing::warn!(component, %cause, "not healthy");
        }
    }
    // Orders are placed in PostgreSQL alone.
    let (mut response, status) = match (&postgres, &redis) {
        (Ok(()), Ok(())) => (HttpResponse::Ok(), "ok"),
        (Ok(()), Err(_)) => (HttpResponse::Ok(), "degraded"),
        (Err(_), _) => (HttpResponse::ServiceUnavailable(), "unavailable"),
    };
    if status == "unavailable" {
        response.insert_header(("retry-after", 1));
    }
    let component = |healthy: bool| Component { status: if healthy { "ok" } else { "unavailable" } };
    let components = Components { postgres: component(postgres.is_ok()), redis: component(redis.is_ok()) };
    response.json(HealthResponse { status, components })
}
