use std::{
    fmt::Write,
    process::{Command, ExitCode},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use argon2::{Argon2, Block};
use clap::Args;
use hdrhistogram::Histogram;
use serde_json::json;

use crate::{
    build::Profile,
    http::{Connection, log_in},
    process::output_of,
    project,
    rush::stage::Stage,
};

#[derive(Args)]
pub struct LoginArguments {
    /// How long each measurement takes, in seconds
    #[arg(long, default_value_t = 10)]
    seconds: u64,
}

const PASSWORD: &str = "three short words";
const CLIENTS: usize = 64;
const SLICE: Duration = Duration::from_secs(1);

pub async fn run(arguments: &LoginArguments) -> anyhow::Result<ExitCode> {
    ensure!((1..=120).contains(&arguments.seconds), "--seconds must be between 1 and 120");
    let time = Duration::from_secs(arguments.seconds);
    let stage = Stage::own("bench", Profile::Release, 1)?;
    let address = stage.addresses[0].clone();
    let accounts = open_accounts(&address).await?;

    println!("One sign-in at a time, and the hash alone, alternating…");
    let (mut one, mut single) = (histogram()?, histogram()?);
    // The machine's speed varies: alternating measures both at the same speed.
    for _ in 0..arguments.seconds {
        one.add(&hash_on(1, SLICE)?.0)?;
        single.add(&sign_in_until(address.clone(), accounts[0].clone(), Instant::now() + SLICE).await?)?;
    }
    println!("The hash on all cores…");
    let cores = thread::available_parallelism()?.get();
    let before = hash_on(cores, time / 2)?.1;
    println!("The menu, idle…");
    let idle = read_menu_until(address.clone(), Instant::now() + time).await?;
    println!("{CLIENTS} clients sign in without pause, and the menu meanwhile…");
    let end = Instant::now() + time;
    let mut hammering = tokio::task::JoinSet::new();
    for email in accounts {
        hammering.spawn(sign_in_until(address.clone(), email, end));
    }
    let busy = read_menu_until(address, end).await?;
    let mut logins = 0;
    for histogram in hammering.join_all().await {
        logins += histogram?.len();
    }
    let all = f64::midpoint(before, hash_on(cores, time / 2)?.1);
    println!("The lockout script in Redis…");
    let redis_url = stage.comanda.settings.get("REDIS_URL").context("no REDIS_URL")?;
    let (script, empty) = scripts(redis_url)?;

    let mut table = String::from(
        "| what | measured | beside | ratio or difference | to reach |\n| --- | --- | --- | --- | --- |\n",
    );
    let (login_p50, hash_p50) = (milliseconds(&single, 0.5), milliseconds(&one, 0.5));
    writeln!(
        table,
        "| a sign-in, p50 | {login_p50:.2} ms | the hash alone, {hash_p50:.2} ms | {:.2} ms more | 2 ms |",
        login_p50 - hash_p50
    )?;
    let per_second = per_second(logins, time);
    writeln!(
        table,
        "| sign-ins per second, {CLIENTS} clients | {per_second:.1} | the hash on all cores, {all:.1} | {:.2} | 0.9 |",
        per_second / all
    )?;
    let (idle, busy) = (milliseconds(&idle, 0.99), milliseconds(&busy, 0.99));
    writeln!(table, "| GET /v1/menu meanwhile, p99 | {busy:.2} ms | idle, {idle:.2} ms | {:.2} | 3 |", busy / idle)?;
    writeln!(
        table,
        "| the lockout script per second | {script:.0} | an empty script, {empty:.0} | {:.2} | 0.5 |",
        script / empty
    )?;
    println!("\n{table}");
    let path = project::root().join("target/bench-login.md");
    std::fs::write(&path, &table).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(ExitCode::SUCCESS)
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
    let (password, rest) =
        redis_url.strip_prefix("redis://:").and_then(|url| url.split_once('@')).context("REDIS_URL has no password")?;
    let (host, rest) = rest.split_once(':').context("REDIS_URL has no port")?;
    let port = rest.split('/').next().unwrap_or_default();
    let rate = |script: &str| -> anyhow::Result<f64> {
        let here = ["-h", host, "-p", port, "-a", password];
        let load = ["--no-auth-warning", "SCRIPT", "LOAD", script];
        let sha = output_of(Command::new("redis-cli").args(here).args(load))?;
        let steps = ["10000", "60000", "300000", "900000", "3600000", ""];
        let report = output_of(
            Command::new("redis-benchmark")
                .args(here)
                .args(["-n", "200000", "-c", "32", "-r", "100000", "--csv"])
                .args(["EVALSHA", sha.trim(), "1", "lockout:{bench-__rand_int__}"])
                .args(["begin", "try", "", "5", "86400000", "86400000"])
                .args(steps),
        )?;
        let last = report.lines().last().context("redis-benchmark reports nothing")?;
        last.split("\",\"")
            .nth(1)
            .context("redis-benchmark's report")?
            .trim_matches('"')
            .parse()
            .context("redis-benchmark's report")
    };
    // Warm, then each in turn, the better of two.
    rate(&lockout)?;
    let empty = "return { 'allowed', 0, 0, 0, 0, 0 }";
    let (first, other) = (rate(&lockout)?, rate(empty)?);
    Ok((first.max(rate(&lockout)?), other.max(rate(empty)?)))
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
