use std::{
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use nix::sys::signal::Signal;

use super::history::until_summarized;
use crate::{
    bench::{
        database,
        ground::Ground,
        page::{
            figure::{Figure, median},
            table::Table,
        },
        reference::Measured,
    },
    fill::{Extent, fill},
    http::Connection,
    process::{Process, ending_with_us, output_of},
    project,
    services::{free_port, wrk},
};

const CLIENTS: usize = 64;
const PAGE: &str = "/v1/orders?limit=20&include=items,customer";

/// Reading the menu, beside a constant, and orders, beside pgbench.
pub async fn measure(ground: &mut Ground) -> anyhow::Result<Table> {
    let note = format!(
        "One server and {} orders; {CLIENTS} connections of wrk. The menu and an item are compared with a server of \
         the same HTTP library that returns constant bytes, a page of orders with pgbench and the statements that the \
         server sends for it.",
        ground.terms.orders()
    );
    let mut table = Table::new("Reading", &note);
    let wrk = Wrk::new(ground)?;
    let url = ground.copy("read").await?;
    fill(&url, ground.terms.orders(), Extent::Orders).await?;
    ground.stage.open(1)?;
    until_summarized(&url).await?;
    database::analyze(&url).await?;
    for _ in 0..ground.terms.times() {
        // What the connections of a server have counted is known once they are closed.
        ground.stage.open(0)?;
        let rows = orders_read_in_sequence(&url).await?;
        ground.stage.open(1)?;
        let (mut connection, token) = ground.stage.as_admin().await?;
        let address = ground.stage.addresses[0].clone();
        let here = format!("http://{address}");
        let menu = Specimen::take(&format!("{here}/v1/menu"), &["accept-encoding: gzip"])?;
        let first = connection.get("/v1/menu/items?limit=1", None).await?.expect(200)?;
        let id = first["data"][0]["id"].as_str().context("a menu item")?;
        let item = Specimen::take(&format!("{here}/v1/menu/items/{id}"), &[])?;
        record_beside_constants(&mut table, &wrk, &menu, &item).await?;
        record_orders(&mut table, &wrk, &here, &token, &url).await?;
        record_latencies(&mut table, &address, &token).await?;
        ground.stage.open(0)?;
        let rows = orders_read_in_sequence(&url).await? - rows;
        #[expect(clippy::cast_precision_loss, reason = "some millions")]
        table.record(Figure::new("orders read in sequence meanwhile", "rows", rows as f64).at_most(0.0))?;
    }
    Ok(table)
}

async fn record_beside_constants(table: &mut Table, wrk: &Wrk, menu: &Specimen, item: &Specimen) -> anyhow::Result<()> {
    let etag = format!("if-none-match: {}", menu.etag);
    menu.record(table, wrk, "GET /v1/menu, gzip", 0.8).await?;
    menu.record_at(table, wrk, "the same, 304", "/304", &[etag], 0.8).await?;
    item.record(table, wrk, "GET /v1/menu/items/{id}", 0.7).await
}

async fn record_orders(table: &mut Table, wrk: &Wrk, here: &str, token: &str, url: &str) -> anyhow::Result<()> {
    let statements = the_same_statements(url).await?;
    let reference = Measured::by_pgbench(url, &statements, CLIENTS, wrk.seconds)?.per_second;
    let ours = wrk.requests_per_second(&format!("{here}{PAGE}"), &[format!("authorization: Bearer {token}")])?;
    let figure = Figure::new(format!("GET {PAGE}"), "/s", ours);
    table.record(figure.beside("pgbench, the same statements", reference).at_least(0.7))
}

async fn record_latencies(table: &mut Table, address: &str, token: &str) -> anyhow::Result<()> {
    // One from before has been idle for longer than the server keeps it.
    let mut connection = Connection::open(address).await?;
    let thousandth = page(&mut connection, token, 1000).await?;
    let (mut near, mut far, mut top) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..300 {
        near.push(time(&mut connection, PAGE, token).await?);
        far.push(time(&mut connection, &thousandth, token).await?);
    }
    let figure = Figure::new("page 1,000 of the same, p50", "ms", median(&far)?);
    table.record(figure.beside("the first page", median(&near)?).at_most(1.2))?;
    for _ in 0..100 {
        top.push(time(&mut connection, "/v1/analytics/top-items", token).await?);
    }
    table.record(Figure::new("top items of 30 days, p50", "ms", median(&top)?).at_most(20.0))
}

/// The load generator.
pub struct Wrk {
    program: PathBuf,
    seconds: u64,
}

impl Wrk {
    pub fn new(ground: &Ground) -> anyhow::Result<Self> {
        Ok(Self { program: wrk()?, seconds: ground.terms.seconds() })
    }

    fn requests_per_second(&self, url: &str, headers: &[String]) -> anyhow::Result<f64> {
        let mut command = Command::new(&self.program);
        command.args(["-t2", "-c", &CLIENTS.to_string(), "-d", &format!("{}s", self.seconds)]);
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
pub struct Specimen {
    url: String,
    file: PathBuf,
    content_type: String,
    encoding: String,
    etag: String,
}

impl Specimen {
    pub fn take(url: &str, headers: &[&str]) -> anyhow::Result<Self> {
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
            content_type: of("content-type"),
            encoding: of("content-encoding"),
            etag: of("etag"),
            file,
        })
    }

    /// Compares what the server does with a constant of the same bytes.
    pub async fn record(&self, table: &mut Table, wrk: &Wrk, what: &str, least: f64) -> anyhow::Result<()> {
        let headers =
            if self.encoding.is_empty() { vec![] } else { vec![format!("accept-encoding: {}", self.encoding)] };
        self.record_at(table, wrk, what, "/", &headers, least).await
    }

    async fn record_at(
        &self,
        table: &mut Table,
        wrk: &Wrk,
        what: &str,
        path: &str,
        headers: &[String],
        least: f64,
    ) -> anyhow::Result<()> {
        let constant = self.serve().await?;
        let reference = wrk.requests_per_second(&format!("http://{}{path}", constant.address), headers)?;
        let ours = wrk.requests_per_second(&self.url, headers)?;
        table.record(Figure::new(what, "/s", ours).beside("a constant", reference).at_least(least))
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

/// Rows rather than scans: PostgreSQL counts it as a scan, too, when it adds a few pages to the index by time.
async fn orders_read_in_sequence(database_url: &str) -> anyhow::Result<i64> {
    let client = database::connect(database_url).await?;
    let sql = "SELECT seq_tup_read FROM pg_stat_user_tables WHERE relname = 'orders'";
    Ok(client.query_one(sql, &[]).await?.get(0))
}

/// What the server asks PostgreSQL for a page of orders with items and customers, as a script for pgbench.
async fn the_same_statements(database_url: &str) -> anyhow::Result<PathBuf> {
    let client = database::connect(database_url).await?;
    let rows =
        client.query("SELECT id::text, customer_id::text FROM orders ORDER BY orders.id DESC LIMIT 20", &[]).await?;
    let list = |column: usize| {
        let ids: Vec<String> = rows.iter().map(|row| row.get(column)).collect();
        format!("'{{{}}}'::uuid[]", ids.join(","))
    };
    let script = format!(
        "SELECT id, customer_id, number, total, created_at, updated_at, version, line_count, status, note \
         FROM orders ORDER BY id DESC LIMIT 21;\n\
         SELECT order_id, menu_item_id, unit_price, quantity, counted, name, note, selections::text, taken::text \
         FROM order_lines \
         WHERE order_id = ANY({}) ORDER BY order_id, position;\n\
         SELECT id, email, name, role, disabled, password_hash, created_at FROM users WHERE id = ANY({});\n",
        list(0),
        list(1)
    );
    let path = project::root().join("target/bench-reads.sql");
    std::fs::write(&path, script)?;
    Ok(path)
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
