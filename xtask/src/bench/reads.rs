use std::{
    fmt::Write,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use clap::Args;
use nix::sys::signal::Signal;
use tokio_postgres::NoTls;

use crate::{
    build::Profile,
    fill::fill,
    http::Connection,
    process::{Process, ending_with_us, output_of},
    project,
    rush::stage::Stage,
    services::{free_port, pgbench, wrk},
};

#[derive(Args)]
pub struct ReadsArguments {
    /// How long each measurement takes, in seconds
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// How many orders are in the database
    #[arg(long, default_value_t = 1_000_000)]
    orders: u64,
}

const CLIENTS: &str = "64";
const PAGE: &str = "/v1/orders?limit=20&include=items,customer";

pub async fn run(arguments: &ReadsArguments) -> anyhow::Result<ExitCode> {
    ensure!((1..=120).contains(&arguments.seconds), "--seconds must be between 1 and 120");
    let wrk = Wrk { program: wrk()?, seconds: arguments.seconds };
    let mut stage = Stage::own("bench", Profile::Release, 0)?;
    fill(stage.database_url()?, arguments.orders).await?;
    stage.open(1)?;
    until_summarized(stage.database_url()?).await?;
    let rows = orders_read_in_sequence(stage.database_url()?).await?;
    let (mut connection, token) = stage.as_admin().await?;
    let address = stage.addresses[0].clone();
    let mut table = String::from("| what | measured | beside | ratio | to reach |\n| --- | --- | --- | --- | --- |\n");

    println!("The menu beside a constant…");
    let here = format!("http://{address}");
    let menu = Specimen::take(&format!("{here}/v1/menu"), &["accept-encoding: gzip"])?;
    let first = connection.get("/v1/menu/items?limit=1", None).await?.expect(200)?;
    let id = first["data"][0]["id"].as_str().context("a menu item")?;
    let item = Specimen::take(&format!("{here}/v1/menu/items/{id}"), &[])?;
    let etag = menu.etag.clone();
    for (what, specimen, path, headers, least) in [
        ("GET /v1/menu, gzip", &menu, "/", vec!["accept-encoding: gzip".to_owned()], 0.8),
        ("the same, 304", &menu, "/304", vec![format!("if-none-match: {etag}")], 0.8),
        ("GET /v1/menu/items/{id}", &item, "/", vec![], 0.5),
    ] {
        let constant = specimen.serve().await?;
        let beside = format!("http://{}{path}", constant.address);
        let (mut ours, mut reference) = (0.0_f64, 0.0_f64);
        for _ in 0..2 {
            reference = reference.max(wrk.requests_per_second(&beside, &headers)?);
            ours = ours.max(wrk.requests_per_second(&specimen.url, &headers)?);
        }
        let ratio = ours / reference;
        writeln!(
            table,
            "| {what}, {} bytes | {ours:.0}/s | a constant, {reference:.0}/s | {ratio:.2} | {least} |",
            specimen.bytes
        )?;
    }

    println!("Orders beside pgbench…");
    let headers = [format!("authorization: Bearer {token}")];
    let statements = the_same_statements(stage.database_url()?).await?;
    let (mut ours, mut reference) = (0.0_f64, 0.0_f64);
    for _ in 0..2 {
        reference = reference.max(transactions_per_second(&statements, stage.database_url()?, arguments.seconds)?);
        ours = ours.max(wrk.requests_per_second(&format!("{here}{PAGE}"), &headers)?);
    }
    let ratio = ours / reference;
    writeln!(
        table,
        "| GET {PAGE} | {ours:.0}/s | pgbench, the same statements, {reference:.0}/s | {ratio:.2} | 0.5 |"
    )?;

    println!("Page 1,000 beside the first…");
    // The connection from before has been idle for longer than the server keeps it.
    let mut connection = Connection::open(&address).await?;
    let thousandth = page(&mut connection, &token, 1000).await?;
    let (mut near, mut far) = (Vec::new(), Vec::new());
    for _ in 0..300 {
        near.push(time(&mut connection, PAGE, &token).await?);
        far.push(time(&mut connection, &thousandth, &token).await?);
    }
    let (near, far) = (median(near), median(far));
    writeln!(
        table,
        "| page 1,000 of the same, p50 | {far:.2} ms | the first, {near:.2} ms | {:.2} | 1.2 |",
        far / near
    )?;

    println!("Top items…");
    let mut times = Vec::new();
    for _ in 0..100 {
        times.push(time(&mut connection, "/v1/analytics/top-items", &token).await?);
    }
    writeln!(table, "| top items of 30 days, p50 | {:.2} ms | | | 20 ms |", median(times))?;

    // What a server's connections have counted is known once they are closed.
    stage.open(0)?;
    let rows = orders_read_in_sequence(stage.database_url()?).await? - rows;
    writeln!(table, "| orders read in sequence meanwhile | {rows} | of {} | | 0 |", arguments.orders)?;

    println!("\n{table}");
    let path = project::root().join("target/bench-reads.md");
    std::fs::write(&path, &table).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(ExitCode::SUCCESS)
}

/// The load generator.
struct Wrk {
    program: PathBuf,
    seconds: u64,
}

impl Wrk {
    fn requests_per_second(&self, url: &str, headers: &[String]) -> anyhow::Result<f64> {
        let mut command = Command::new(&self.program);
        command.args(["-t2", "-c", CLIENTS, "-d", &format!("{}s", self.seconds)]);
        for header in headers {
            command.args(["-H", header]);
        }
        let report = output_of(command.arg(url))?;
        ensure!(!report.contains("Non-2xx") && !report.contains("Socket errors"), "some requests failed: {report}");
        let line = report.lines().find_map(|line| line.strip_prefix("Requests/sec:")).context("wrk's report")?;
        line.trim().parse().context("wrk's report")
    }
}

/// A response of the server, for the constant server to return.
struct Specimen {
    url: String,
    file: PathBuf,
    bytes: u64,
    content_type: String,
    encoding: String,
    etag: String,
}

impl Specimen {
    fn take(url: &str, headers: &[&str]) -> anyhow::Result<Self> {
        let file = project::root().join("target").join(format!("specimen-{}", url.len()));
        let mut command = Command::new("curl");
        command.args(["-s", "-f", "-D", "-", "-o"]).arg(&file);
        for header in headers {
            command.args(["-H", header]);
        }
        let head = output_of(command.arg(url))?;
        let of = |name: &str| {
            let value =
                head.lines().find_map(|line| line.split_once(": ").filter(|(n, _)| n.eq_ignore_ascii_case(name)));
            value.map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
        };
        Ok(Self {
            url: url.to_owned(),
            bytes: std::fs::metadata(&file)?.len(),
            content_type: of("content-type"),
            encoding: of("content-encoding"),
            etag: of("etag"),
            file,
        })
    }

    async fn serve(&self) -> anyhow::Result<Constant> {
        let address = format!("127.0.0.1:{}", free_port()?);
        let mut command = ending_with_us("TERM");
        command.arg(std::env::current_exe()?).args(["bench", "constant"]).arg(&address).arg(&self.file).args([
            &self.content_type,
            &self.encoding,
            &self.etag,
        ]);
        let mut process = Process::start("the constant", command, Signal::SIGTERM)?;
        while Connection::open(&address).await.is_err() {
            process.ensure_alive()?;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(Constant { _process: process, address })
    }
}

struct Constant {
    _process: Process,
    address: String,
}

async fn until_summarized(database_url: &str) -> anyhow::Result<()> {
    let (client, connection) = tokio_postgres::connect(database_url, NoTls).await?;
    tokio::spawn(connection);
    let sql = "SELECT EXISTS (SELECT FROM outbox_events v, sales_summarized s \
               WHERE (v.transaction_id, v.id) > (s.transaction_id, s.event_id))";
    while client.query_one(sql, &[]).await?.get::<_, bool>(0) {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    client.batch_execute("VACUUM ANALYZE").await?;
    // The first vacuum reads every row for the index by time; that is counted at once, and not as if a request had done
    // it.
    Ok(client.batch_execute("SELECT pg_stat_force_next_flush()").await?)
}

/// Rows rather than scans: PostgreSQL counts it as a scan, too, when it adds a few pages to the index by time.
async fn orders_read_in_sequence(database_url: &str) -> anyhow::Result<i64> {
    let (client, connection) = tokio_postgres::connect(database_url, NoTls).await?;
    tokio::spawn(connection);
    let sql = "SELECT seq_tup_read FROM pg_stat_user_tables WHERE relname = 'orders'";
    Ok(client.query_one(sql, &[]).await?.get(0))
}

/// What the server asks PostgreSQL for a page of orders with items and customers, as a script for pgbench.
async fn the_same_statements(database_url: &str) -> anyhow::Result<PathBuf> {
    let (client, connection) = tokio_postgres::connect(database_url, NoTls).await?;
    tokio::spawn(connection);
    let rows =
        client.query("SELECT id::text, customer_id::text FROM orders ORDER BY orders.id DESC LIMIT 20", &[]).await?;
    let list = |column: usize| {
        let ids: Vec<String> = rows.iter().map(|row| row.get(column)).collect();
        format!("'{{{}}}'::uuid[]", ids.join(","))
    };
    let script = format!(
        "SELECT id, customer_id, number, total, created_at, updated_at, version, line_count, status, note \
         FROM orders ORDER BY id DESC LIMIT 21;\n\
         SELECT order_id, menu_item_id, unit_price, quantity, name, note FROM order_lines \
         WHERE order_id = ANY({}) ORDER BY order_id, position;\n\
         SELECT id, email, name, role, disabled, password_hash, created_at FROM users WHERE id = ANY({});\n",
        list(0),
        list(1)
    );
    let path = project::root().join("target/bench-reads.sql");
    std::fs::write(&path, script)?;
    Ok(path)
}

fn transactions_per_second(script: &Path, database_url: &str, seconds: u64) -> anyhow::Result<f64> {
    let report = output_of(
        Command::new(pgbench()?)
            .args(["--no-vacuum", "--protocol=prepared", "--jobs=2", "--client", CLIENTS])
            .args(["--time", &seconds.to_string(), "--file"])
            .arg(script)
            .arg(database_url),
    )?;
    let line = report.lines().find_map(|line| line.strip_prefix("tps = ")).context("pgbench's report")?;
    line.split_whitespace().next().unwrap_or_default().parse().context("pgbench's report")
}

/// The path of a page, reached page by page.
async fn page(connection: &mut Connection, token: &str, number: usize) -> anyhow::Result<String> {
    let mut path = "/v1/orders?limit=20".to_owned();
    for _ in 1..number {
        let response = connection.get(&path, Some(token)).await?.expect(200)?;
        let cursor = response["next_cursor"].as_str().context("there are fewer pages")?;
        path = format!("/v1/orders?limit=20&cursor={cursor}");
    }
    Ok(format!("{path}&include=items,customer"))
}

async fn time(connection: &mut Connection, path: &str, token: &str) -> anyhow::Result<f64> {
    let begin = Instant::now();
    connection.get(path, Some(token)).await?.expect(200)?;
    Ok(begin.elapsed().as_secs_f64() * 1000.0)
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
