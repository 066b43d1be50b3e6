use std::{convert::Infallible, sync::Arc, time::Duration};

use comanda_domain::ports::{ComponentHealth, Unavailable};
use comanda_resilience::expire_outages;
use futures_util::join;
use metrics::gauge;

use super::worker::{Period, Worker};

/// Measures whether what the server depends on is well, however little is asked of the server: a database that is gone
/// in a quiet night fails no request. Once Redis is well, what was found out of reach a while ago and was not asked for
/// since counts as degraded no longer.
pub fn measure_components(postgres: Arc<dyn ComponentHealth>, redis: Arc<dyn ComponentHealth>) -> Worker {
    const PERIOD: Period = Period::of(Duration::from_secs(5));
    Worker::every(PERIOD, "measure_components", move || {
        let (postgres, redis) = (Arc::clone(&postgres), Arc::clone(&redis));
        async move {
            let (postgres, redis) = join!(postgres.check(), redis.check());
            // That all connections are in use says nothing of the database: it stays what it was.
            if !postgres.as_ref().is_err_and(Unavailable::is_overload) {
                component_up("postgres", postgres.is_ok());
            }
            component_up("redis", redis.is_ok());
            if redis.is_ok() {
                expire_outages();
            }
            Ok::<(), Infallible>(())
        }
    })
}

pub fn component_up(component: &'static str, is_up: bool) {
    gauge!("comanda_component_up", "component" => component).set(if is_up { 1.0 } else { 0.0 });
}
