//! Where metrics are kept.

use std::time::Duration;

use anyhow::{Context, anyhow};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use super::{COMMIT, VERSION, counters, gauges_only::GaugesOnly, process::Process, table};

/// Fine enough for a 99th percentile of a millisecond or of seconds.
const SECONDS: &[f64] =
    &[0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// Of batches.
const SIZES: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

/// How often what was measured is summed up.
const UPKEEP: Duration = Duration::from_secs(5);

/// What was measured so far.
#[derive(Clone)]
pub struct Metrics {
    handle: PrometheusHandle,
    process: Process,
}

impl Metrics {
    /// Begins to measure, before there is anything to measure. If nobody reads the metrics, only gauges are kept. Must
    /// be called within a tokio runtime.
    pub fn collect(are_read: bool) -> anyhow::Result<Self> {
        let recorder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)
            .and_then(|builder| builder.set_buckets_for_metric(Matcher::Suffix("_size".to_owned()), SIZES))
            .context("cannot measure")?
            .build_recorder();
        let handle = recorder.handle();
        if are_read {
            ::metrics::set_global_recorder(recorder).map_err(|_| anyhow!("something measures already"))?;
            table::describe();
            counters::register();
            let metrics = handle.clone();
            // Otherwise what was measured would be kept one by one until somebody asks for it.
            tokio::spawn(async move {
                loop {
                    tokio::time::sleep(UPKEEP).await;
                    metrics.run_upkeep();
                }
            });
        } else {
            ::metrics::set_global_recorder(GaugesOnly(recorder)).map_err(|_| anyhow!("something measures already"))?;
        }
        ::metrics::gauge!("comanda_serving").set(0.0);
        ::metrics::gauge!("comanda_build_info", "version" => VERSION, "commit" => COMMIT).set(1.0);
        Ok(Self { handle, process: Process::started() })
    }

    /// In the format of Prometheus.
    pub fn render(&self) -> String {
        self.process.measure();
        self.handle.render()
    }
}
