use std::{
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::Context;
use argon2::{Argon2, Block};
use hdrhistogram::Histogram;
use serde_json::json;

use crate::{
    bench::{
        ground::Ground,
        page::{figure::Figure, table::Table},
        redis,
    },
    http::{Connection, log_in},
    process::output_of,
    project,
};

const PASSWORD: &str = "three short words";
const CLIENTS: usize = 64;
const SLICE: Duration = Duration::from_secs(1);

/// Signing in, what it costs those who read the menu meanwhile, and the lockout script.
pub async fn measure(ground: &mut Ground) -> anyhow::Result<Table> {
    let note = "One server. A sign-in is compared with the password hash alone, by the same library in the load \
                generator, in turn; many of them with the hash on all cores. A reader reads the menu fifty times a \
                second. The script that counts failed sign-ins is compared with an empty one that gets the same keys \
                and arguments, by redis-benchmark.";
    let mut table = Table::new("Signing in", note);
    ground.copy("signed_in").await?;
    ground.stage.open(1)?;
    let address = ground.stage.addresses[0].clone();
    let accounts = open_accounts(&address).await?;
    let redis_url = ground.stage.comanda.settings.get("REDIS_URL").context("no REDIS_URL")?.clone();
    let time = ground.terms.window();
    let cores = thread::available_parallelism()?.get();
    for _ in 0..ground.terms.times() {
        let (mut one, mut single) = (histogram()?, histogram()?);
        // The machine's speed varies: alternating measures both at the same speed.
        for _ in 0..ground.terms.seconds() {
            one.add(&hash_on(1, SLICE)?.0)?;
            single.add(&sign_in_until(address.clone(), accounts[0].clone(), Instant::now() + SLICE).await?)?;
        }
        let figure = Figure::new("a sign-in, p50", "ms", milliseconds(&single, 0.5));
        table.record(figure.more_than("the hash alone", milliseconds(&one, 0.5)).at_most(1.5))?;

        let before = hash_on(cores, time / 2)?.1;
        let idle = read_menu_until(address.clone(), Instant::now() + time).await?;
        let end = Instant::now() + time;
        let mut hammering = tokio::task::JoinSet::new();
        for email in &accounts {
            hammering.spawn(sign_in_until(address.clone(), email.clone(), end));
        }
        let busy = read_menu_until(address.clone(), end).await?;
        let mut logins = 0;
        for histogram in hammering.join_all().await {
            logins += histogram?.len();
        }
        let all = f64::midpoint(before, hash_on(cores, time / 2)?.1);
        let figure = Figure::new(format!("sign-ins, {CLIENTS} clients"), "/s", per_second(logins, time));
        table.record(figure.beside("the hash on all cores", all).at_least(0.93))?;
        let figure = Figure::new("GET /v1/menu meanwhile, p99", "ms", milliseconds(&busy, 0.99));
        table.record(figure.beside("idle", milliseconds(&idle, 0.99)).at_most(2.0))?;

        let (script, empty) = scripts(&redis_url)?;
        table.record(Figure::new("the lockout script", "/s", script).beside("an empty script", empty).at_least(0.6))?;
    }
    Ok(table)
}

async fn open_accounts(address: &str) -> anyhow::Result<Vec<String>> {
    let mut connection = Connection::open(address).await?;
    let mut emails = Vec::with_capacity(CLIENTS);
    for n in 0..CLIENTS {
        let email = format!("bench-{n}@comanda.example");
        let body = json!({ "email": email, "password": PASSWORD, "name": "A customer" });
        connection.post("/v1/users", None, &body).await?.expect(201)?;
        emails.push(email);
    }
    Ok(emails)
}

/// Latencies in microseconds, and hashes per second.
fn hash_on(threads: usize, time: Duration) -> anyhow::Result<(Histogram<u64>, f64)> {
    let hashing: Vec<_> = (0..threads)
        .map(|_| {
            thread::spawn(move || -> anyhow::Result<Histogram<u64>> {
                let argon2 = Argon2::default();
                let mut memory = vec![Block::default(); argon2.params().block_count()];
                let (mut latency, end) = (histogram()?, Instant::now() + time);
                while Instant::now() < end {
                    let begin = Instant::now();
                    let hashed = argon2.hash_password_into_with_memory(
                        PASSWORD.as_bytes(),
                        b"saltsaltsaltsalt",
                        &mut [0; 32],
                        &mut memory,
                    );
                    hashed.map_err(|error| anyhow::anyhow!("{error}"))?;
                    record(&mut latency, begin);
                }
                Ok(latency)
            })
        })
        .collect();
    let mut total = histogram()?;
    for thread in hashing {
        total.add(&thread.join().map_err(|_| anyhow::anyhow!("a hashing thread ended badly"))??)?;
    }
    let rate = per_second(total.len(), time);
    Ok((total, rate))
}

async fn sign_in_until(address: String, email: String, end: Instant) -> anyhow::Result<Histogram<u64>> {
    let mut connection = Connection::open(&address).await?;
    let mut latency = histogram()?;
    while Instant::now() < end {
        let begin = Instant::now();
        log_in(&mut connection, &email, PASSWORD).await?;
        record(&mut latency, begin);
    }
    Ok(latency)
}

/// Fifty reads per second: a flood of readers would be felt by itself.
async fn read_menu_until(address: String, end: Instant) -> anyhow::Result<Histogram<u64>> {
    let mut connection = Connection::open(&address).await?;
    let mut latency = histogram()?;
    let mut tick = tokio::time::interval(Duration::from_millis(20));
    while Instant::now() < end {
        tick.tick().await;
        let begin = Instant::now();
        connection.get("/v1/menu", None).await?.expect(200)?;
        record(&mut latency, begin);
    }
    Ok(latency)
}

/// The lockout script and an empty one with the same keys and arguments, calls per second, driven by Redis's own load
/// generator.
fn scripts(redis_url: &str) -> anyhow::Result<(f64, f64)> {
    let lockout = std::fs::read_to_string(project::root().join("crates/redis/src/lockouts/lockout.lua"))?;
    let here = redis::arguments(redis_url)?;
    let rate = |script: &str| -> anyhow::Result<f64> {
        let load = ["--no-auth-warning", "SCRIPT", "LOAD", script];
        let sha = output_of(Command::new("redis-cli").args(&here).args(load))?;
        let steps = ["10000", "60000", "300000", "900000", "3600000"];
        // On Redis's clock, by a stranger.
        let (now, device) = ("", "");
        let report = output_of(
            Command::new("redis-benchmark")
                .args(&here)
                .args(["-n", "200000", "-c", "32", "-r", "100000", "--csv"])
                .args([
                    "EVALSHA",
                    sha.trim(),
                    "2",
                    "lockout:{bench-__rand_int__}",
                    "lockout:{bench-__rand_int__}:devices",
                ])
                .args(["begin", "try", "", "5", "86400000", "86400000"])
                .args(steps)
                .args([now, device]),
        )?;
        let last = report.lines().last().context("redis-benchmark reports nothing")?;
        last.split("\",\"")
            .nth(1)
            .context("redis-benchmark's report")?
            .trim_matches('"')
            .parse()
            .context("redis-benchmark's report")
    };
    Ok((rate(&lockout)?, rate("return { 'allowed', 0, 0, 0, 0, 0 }")?))
}

fn histogram() -> anyhow::Result<Histogram<u64>> {
    Histogram::new_with_bounds(1, 60_000_000, 3).context("a histogram")
}

fn record(latency: &mut Histogram<u64>, begin: Instant) {
    latency.saturating_record(u64::try_from(begin.elapsed().as_micros()).unwrap_or(u64::MAX));
}

#[expect(clippy::cast_precision_loss, reason = "a minute in microseconds fits")]
fn milliseconds(latency: &Histogram<u64>, quantile: f64) -> f64 {
    latency.value_at_quantile(quantile) as f64 / 1000.0
}

#[expect(clippy::cast_precision_loss, reason = "nobody counts to 2^52 here")]
fn per_second(count: u64, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}
