use std::{convert::Infallible, sync::Arc, time::Duration};

use comanda_domain::ports::ComponentHealth;
use comanda_resilience::expire_outages;
use futures_util::join;
use metrics::gauge;

use super::worker::{Period, Worker};

/// Measures whether what the server depends on is well, however little is asked of the server: a database that is gone
/// in a quiet night fails no request. What was found out of reach a while ago and was not asked for since counts as
/// degraded no longer.
pub fn measure_components(postgres: Arc<dyn ComponentHealth>, redis: Arc<dyn ComponentHealth>) -> Worker {
    const PERIOD: Period = Period::of(Duration::from_secs(5));
    Worker::every(PERIOD, "measure_components", move || {
        let (postgres, redis) = (Arc::clone(&postgres), Arc::clone(&redis));
        async move {
            let (postgres, redis) = join!(postgres.check(), redis.check());
            for (component, is_well) in [("postgres", postgres.is_ok()), ("redis", redis.is_ok())] {
                gauge!("comanda_component_up", "component" => component).set(if is_well { 1.0 } else { 0.0 });
            }
            expire_outages();
            Ok::<(), Infallible>(())
        }
    })
}
