use std::time::Duration;

use anyhow::Context;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};
use tokio::signal::unix::{SignalKind, signal};

use super::migrate;
use crate::{
    app::Server,
    config::Config,
    exit::Unreachable,
    http::{self, Budgets},
    logging,
};

/// Fine enough for a 99th percentile of a millisecond or of seconds.
const SECONDS: &[f64] =
    &[0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// Of batches.
const SIZES: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

/// How often what was measured is summed up.
const METRICS_UPKEEP: Duration = Duration::from_secs(5);

pub async fn run(config: &Config) -> anyhow::Result<()> {
    let traces = logging::start(&config.log, config.traces.as_ref())?;
    for warning in &config.warnings {
        tracing::warn!(setting = warning.setting, "{}", warning.message);
    }
    if let Some(address) = config.http.metrics_addr {
        let metrics = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)
            .and_then(|builder| builder.set_buckets_for_metric(Matcher::Suffix("_size".to_owned()), SIZES))
            .and_then(PrometheusBuilder::install_recorder)
            .context("cannot offer metrics")?;
        let rendered = metrics.clone();
        tokio::spawn(http::metrics_server(address, move || rendered.render()).context("cannot offer metrics")?);
        // Otherwise what was measured would be kept one by one until somebody asks for it.
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(METRICS_UPKEEP).await;
                metrics.run_upkeep();
            }
        });
        tracing::info!(%address, "offering metrics");
    }
    let database = &config.database.url;
    let there = database.wait(config.database.start_wait).await;
    there.map_err(|error| Unreachable::new("PostgreSQL", database.addresses(), &error))?;
    if config.database.migrate_on_start {
        migrate::bring_up_to_date(&config.database).await?;
    }
    let Server { app, workers } = Server::build(config).await?;
    let workers = workers.start().context("cannot start the workers")?;
    let address = config.http.bind_addr;
    let budgets = Budgets {
        read: config.database.read_limit,
        report: config.database.report_limit,
        write: config.http.request_timeout,
        password: config.http.password_timeout,
    };
    let (server, serving_at) = http::server(app, &config.http, budgets, config.traces.is_some())
        .with_context(|| format!("cannot listen on {address}"))?;
    let handle = server.handle();
    tokio::spawn(async move {
        match asked_to_stop().await {
            Ok(()) => tracing::info!("stopping: no new connections; requests in flight are finished"),
            Err(error) => tracing::error!(%error, "cannot listen for signals; stopping"),
        }
        handle.stop(true).await;
    });
    tracing::info!(address = %serving_at, "serving");
    server.await?;
    // Only after the last request, because requests wait for the committer and for passwords to be hashed.
    workers.stop().await;
    tracing::info!("stopped");
    if let Some(traces) = traces {
        tokio::task::spawn_blocking(move || traces.finish()).await?;
    }
    Ok(())
}

async fn asked_to_stop() -> std::io::Result<()> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}
