//! `cargo xtask conform`: whether the server does what `openapi.json` says, whoever asks it for whatever.
//!
//! Schemathesis makes the requests, valid ones and others, and compares the responses with the document. Of each
//! operation it tries the same few thousand border cases every time, and then random ones.

use std::{
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use anyhow::{Context, bail};
use clap::Args;
use serde_json::{Value, json};

use crate::{
    build::Profile,
    comanda::{self, Admin, Comanda, Server, request},
    interrupt,
    process::succeed,
    project::{self, State, random_secret},
    samples,
    services::{Durability, Services, free_port, python_with},
};

const TOOL: &str = "schemathesis==4.32.5";

/// For how many random calls there is time in a night.
const NIGHTLY: u32 = 40_000;

#[derive(Args)]
pub struct ConformArguments {
    /// About how many random calls to make, besides the border cases
    #[arg(long, default_value_t = 4000)]
    calls: u32,
    /// As many as there is time for in a night
    #[arg(long, conflicts_with = "calls")]
    nightly: bool,
    /// Makes the calls of an earlier run
    #[arg(long)]
    seed: Option<u64>,
}

/// Who calls: everybody that the document tells apart.
struct Caller {
    name: &'static str,
    /// `None`: not signed in.
    email: Option<String>,
    /// Whether the session is in cookies, instead of tokens.
    in_browser: bool,
}

impl Caller {
    fn new(name: &'static str, email: Option<&str>) -> Self {
        Self { name, email: email.map(str::to_owned), in_browser: false }
    }

    /// Somebody who is signed in from a page of ours.
    fn in_browser(self) -> Self {
        Self { in_browser: true, ..self }
    }
}

pub fn run(arguments: &ConformArguments) -> anyhow::Result<ExitCode> {
    interrupt::watch()?;
    // Whatever is in there is changed, archived and given away.
    for name in ["DATABASE_URL", "REDIS_URL"] {
        if std::env::var_os(name).is_some() {
            bail!("this works with a PostgreSQL and a Redis of its own only: unset {name}");
        }
    }
    let calls = if arguments.nightly { NIGHTLY } else { arguments.calls };
    let seed = arguments.seed.unwrap_or_else(|| rand::random::<u32>().into());
    println!("seed {seed}");

    let python = python_with(&project::folder_of("schemathesis"), &[TOOL])?;
    let state = State::open_empty("conform")?;
    let program = comanda::build(Profile::Development, "starting PostgreSQL and Redis")?;
    let services = Services::start(&state, Durability::None)?;
    let comanda = settings(Comanda::new(program, &state, &services)?, &state)?;
    let admin = Admin { email: "admin@comanda.example".to_owned(), password: random_secret() };
    comanda.prepare(&admin)?;
    comanda.import_menu()?;
    samples::add_supplies(&comanda)?;
    let mut server = comanda.serve(&format!("127.0.0.1:{}", free_port()?))?;
    samples::add_choices(&server.address, &admin)?;
    samples::add_stations(&server.address, &admin)?;

    let accounts = Accounts::open(&server, &admin)?;
    let callers = [
        Caller::new("customer", Some(&accounts.customer)),
        Caller::new("customer in a browser", Some(&accounts.customer)).in_browser(),
        Caller::new("staff", Some(&accounts.staff)),
        Caller::new("admin", Some(&admin.email)),
        Caller::new("anonymous", None),
    ];
    let examples = examples_of_each(calls, callers.len())?;
    let mut failed = Vec::new();
    for caller in &callers {
        interrupt::check()?;
        let mut command = schemathesis(&python, &state, &server, seed, examples)?;
        command.env("CONFORM_CALLER", caller.name).env("CONFORM_CALLERS", accounts.ids.join(","));
        if let Some(email) = &caller.email {
            command.env("CONFORM_EMAIL", email).env("CONFORM_PASSWORD", &admin.password);
        }
        if caller.in_browser {
            command.env("CONFORM_IN_BROWSER", "true");
        }
        println!("\n== {}", caller.name);
        if let Err(error) = succeed(&mut command) {
            interrupt::check()?;
            println!("{error:#}");
            failed.push(caller.name);
        }
        if server.has_ended()? {
            bail!("the server has ended");
        }
    }
    drop(server);
    succeed(&mut comanda.command(&["check"])).context("an invariant does not hold")?;
    if failed.is_empty() {
        println!("\nThe server does what openapi.json says");
        return Ok(ExitCode::SUCCESS);
    }
    println!(
        "\nNot as openapi.json says: as {}. `cargo xtask conform --calls {calls} --seed {seed}` makes the same calls; \
         {} has the server's log",
        failed.join(" and "),
        state.path("log").display()
    );
    Ok(ExitCode::FAILURE)
}

/// Nobody is refused for being one of many, and all of the kitchen has something to do.
fn settings(mut comanda: Comanda, state: &State) -> anyhow::Result<Comanda> {
    comanda.settings.extend(
        [
            ("ADDRESS_LIMIT_BURST", "1000000"),
            ("ADDRESS_LIMIT_PER_MINUTE", "60000"),
            ("LOCKOUT_FREE_FAILURES", "1000"),
            ("LOCKOUT_WINDOW_SECONDS", "1"),
            ("ACCEPT_ORDERS", "always"),
            ("LOG", "warn"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned())),
    );
    comanda.log_folder = Some(state.private_folder("log")?);
    Ok(comanda)
}

/// How many random cases of each operation come to so many calls.
fn examples_of_each(calls: u32, callers: usize) -> anyhow::Result<u32> {
    let document = std::fs::read_to_string(project::root().join("openapi.json"))?;
    let document: Value = serde_json::from_str(&document)?;
    let paths = document["paths"].as_object().context("the document has no paths")?;
    let operations: usize = paths.values().filter_map(Value::as_object).map(serde_json::Map::len).sum();
    Ok((calls / u32::try_from(operations * callers)?).max(1))
}

/// The command that makes the calls of one caller.
fn schemathesis(python: &Path, state: &State, server: &Server, seed: u64, examples: u32) -> anyhow::Result<Command> {
    let here = project::root().join("xtask/conform");
    let address = format!("http://{}", server.address);
    let program: PathBuf = python.with_file_name("schemathesis");
    let mut command = Command::new(program);
    command
        // It keeps notes where it is started.
        .current_dir(state.private_folder("notes")?)
        .arg("--config-file")
        .arg(here.join("schemathesis.toml"))
        .arg("run")
        .arg(project::root().join("openapi.json"))
        .args(["--url", &address, "--seed", &seed.to_string(), "--max-examples", &examples.to_string()])
        .env("SCHEMATHESIS_HOOKS", "hooks")
        .env("PYTHONPATH", here)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("CONFORM_ADDRESS", address);
    Ok(command)
}

/// The accounts that call, all with the admin's password.
struct Accounts {
    customer: String,
    staff: String,
    ids: Vec<String>,
}

impl Accounts {
    fn open(server: &Server, admin: &Admin) -> anyhow::Result<Self> {
        let send = |method: &str, path: &str, headers: &[&str], body: &Value| {
            let (status, text) = request(&server.address, method, path, headers, &body.to_string())?;
            if !(200..300).contains(&status) {
                bail!("{method} {path}: {status} {text}");
            }
            Ok(serde_json::from_str::<Value>(&text)?)
        };
        let id_of = |account: &Value| account["id"].as_str().map(str::to_owned).context("an account without an id");
        let open = |email: &str| {
            send("POST", "/v1/users", &[], &json!({ "email": email, "password": admin.password, "name": "Caller" }))
        };
        let (customer, staff) = ("customer@comanda.example".to_owned(), "staff@comanda.example".to_owned());
        let (of_customer, of_staff) = (id_of(&open(&customer)?)?, id_of(&open(&staff)?)?);

        let credentials = json!({ "email": admin.email, "password": admin.password });
        let session = send("POST", "/v1/sessions", &[], &credentials)?;
        let token = session["access_token"].as_str().context("a session without a token")?;
        let signed_in = format!("authorization: Bearer {token}");
        send("PATCH", &format!("/v1/admin/users/{of_staff}"), &[&signed_in], &json!({ "role": "staff" }))?;
        let (_, me) = request(&server.address, "GET", "/v1/me", &[&signed_in], "")?;
        let of_admin = id_of(&serde_json::from_str(&me)?)?;
        Ok(Self { customer, staff, ids: vec![of_customer, of_staff, of_admin] })
    }
}
