use std::{
    process,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use actix_web::dev::ServerHandle;
use anyhow::Context;
use tokio_util::sync::CancellationToken;

use super::{Settings, migrate};
use crate::{
    app::{Reloads, Server},
    config::Config,
    exit::Unreachable,
    http::{self, Budgets, Draining, Listening, Streams},
    logging::{self, Logging, Refilter},
    observability::{COMMIT, Metrics, State, VERSION, raise_limit},
    signals::{Signals, Told},
    systemd,
    workers::component_up,
};

pub async fn run(settings: Settings) -> anyhow::Result<()> {
    let since = Instant::now();
    let config = &settings.server()?;
    config.http.ensure_free()?;
    let Logging { traces, refilter } = logging::start(&config.log, config.traces.as_ref())?;
    // Before anything else: a signal that nobody listens for ends the process, or nothing does.
    let operator = Operator::default();
    let signals = Signals::listen().context("cannot listen for signals")?;
    let reloads = Arc::<OnceLock<Reloads>>::default();
    let reloaded = Arc::clone(&reloads);
    tokio::spawn(operator.clone().attend(signals, move || read_again(&settings, &refilter, reloaded.get())));
    tracing::info!(version = VERSION, commit = COMMIT, "starting");
    #[cfg(feature = "planted")]
    tracing::warn!(fault = comanda_planted::planted()?.map(comanda_planted::Fault::name), "faults can be planted");
    for warning in &config.warnings {
        tracing::warn!(setting = warning.setting, "{}", warning.message);
    }
    let connections = raise_limit(config);
    let measured = Metrics::collect(config.http.metrics_addr.is_some())?;
    if let Some(address) = config.http.metrics_addr {
        let rendered = measured.clone();
        tokio::spawn(http::metrics_server(address, move || rendered.render()).context("cannot offer metrics")?);
        tracing::info!(%address, "offering metrics");
    }
    let Server { app, workers, pools, reloads: of_server } = build(config).await?;
    // It is set here alone.
    let _ = reloads.set(of_server);
    let workers = workers.start().context("cannot start the workers")?;
    let address = config.http.bind_addr;
    let budgets = Budgets {
        read: config.database.read_limit,
        report: config.database.report_limit,
        write: config.http.request_timeout,
        password: config.http.password_timeout,
    };
    let draining = app.health.draining.clone();
    let streams = app.streams.clone();
    let state =
        State { pools, workers: app.health.workers.clone(), draining: draining.clone(), metrics: measured, since };
    let (http, log) = (&config.http, &config.log);
    let (server, listening) =
        http::server(app, http, connections, budgets, config.traces.is_some(), log.access_percent)
            .with_context(|| format!("cannot listen on {address}"))?;
    let serving_at = listening.address;
    tokio::spawn(operator.serves(state).stop(server.handle(), listening, draining, streams, config.drain_time()));
    tokio::spawn(systemd::stay_alive());
    systemd::notify(systemd::State::Ready);
    metrics::gauge!("comanda_serving").set(1.0);
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

/// The server on a database that has every migration of this version.
async fn build(config: &Config) -> anyhow::Result<Server> {
    let database = &config.database.url;
    // As long as that takes, nobody else measures it.
    component_up("postgres", false);
    let there = database.wait(config.database.start_wait).await;
    there.map_err(|error| Unreachable::new("DATABASE_URL", "PostgreSQL", database.addresses(), &error))?;
    component_up("postgres", true);
    if config.database.migrate_on_start {
        migrate::bring_up_to_date(&config.database).await?;
    } else {
        migrate::ensure_up_to_date(&config.database).await?;
    }
    Server::build(config).await
}

/// Logs from now on what `LOG` says now, and has keys and certificates be what they are now. Whatever else has changed
/// is read at the next start. A mistake in any setting changes nothing.
fn read_again(settings: &Settings, refilter: &Refilter, reloads: Option<&Reloads>) {
    match reloads {
        Some(_) => tracing::info!("SIGHUP: reading LOG, keys and certificates again; other settings are read at start"),
        None => tracing::warn!("SIGHUP: reading LOG again; for keys and certificates, send it once this server serves"),
    }
    let followed = settings.server().map_err(anyhow::Error::from).and_then(|config| {
        if let Some(reloads) = reloads {
            reloads.follow(&config)?;
            reloads.look_again();
        }
        Ok(config.log.filter)
    });
    let filter = match followed {
        Ok(filter) => filter,
        Err(error) => return tracing::error!(error = format!("{error:#}"), "SIGHUP: nothing has changed"),
    };
    match refilter(&filter) {
        Ok(()) => tracing::info!(directives = filter.as_str(), "logging by other directives"),
        Err(error) => tracing::error!(%error, "SIGHUP: nothing has changed"),
    }
}

/// Does what an operator tells the server by signals.
#[derive(Clone, Default)]
struct Operator {
    told_to_stop: CancellationToken,
    /// Of a server that serves.
    state: Arc<OnceLock<State>>,
}

impl Operator {
    async fn attend(self, mut signals: Signals, read_again: impl Fn()) {
        loop {
            match signals.next().await {
                Told::Stop { exit_code } if self.told_to_stop.is_cancelled() => {
                    tracing::warn!("told to stop a second time: ending at once");
                    process::exit(exit_code);
                }
                Told::Stop { .. } if self.state.get().is_none() => {
                    // Nothing has begun that would have to be finished: a migration that is interrupted is run again.
                    tracing::info!("told to stop before it served");
                    process::exit(0);
                }
                Told::Stop { .. } => self.told_to_stop.cancel(),
                Told::Report => match self.state.get() {
                    Some(state) => state.log(),
                    None => tracing::info!(version = VERSION, commit = COMMIT, "state of the server: it is starting"),
                },
                Told::Reload => read_again(),
                Told::Nothing(signal) => tracing::info!(signal, "a signal that means nothing to this server"),
            }
        }
    }

    /// From now on there are requests to finish.
    fn serves(self, state: State) -> Self {
        // It is set here alone.
        let _ = self.state.set(state);
        self
    }

    /// Waits until the server is told to stop, and stops it: first it is not ready any more, so that no proxy sends
    /// anybody here by the time it accepts no more connections.
    async fn stop(
        self,
        server: ServerHandle,
        listening: Listening,
        draining: Draining,
        streams: Streams,
        drain: Duration,
    ) {
        self.told_to_stop.cancelled().await;
        draining.begin();
        systemd::notify(systemd::State::Stopping);
        if !drain.is_zero() {
            let seconds = drain.as_secs();
            tracing::info!(seconds, "stopping: not ready any more; connections are accepted for some seconds");
            tokio::time::sleep(drain).await;
            listening.let_in_the_last().await;
        }
        tracing::info!("stopping: no new connections; requests in flight are finished");
        // Those who watch come again, and not to this server.
        streams.end();
        server.stop(true).await;
    }
}
