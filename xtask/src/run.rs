//! `cargo xtask run`

use std::{process::ExitCode, thread, time::Duration};

use anyhow::Context;

use crate::{
    build::Profile,
    comanda::{self, Admin, Comanda, get},
    env::Exports,
    interrupt,
    project::State,
    samples,
    services::{Durability, Services},
};

pub fn run() -> anyhow::Result<ExitCode> {
    // From the first moment, so that a Ctrl-C during the start stops what was already started.
    interrupt::watch()?;
    match serve() {
        Err(_) if interrupt::is_requested() => {
            println!("\nStopped. The data stay in .comanda/run.");
            Ok(ExitCode::SUCCESS)
        }
        outcome => outcome,
    }
}

fn serve() -> anyhow::Result<ExitCode> {
    let address = std::env::var("BIND_ADDR").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    let state = State::open("run")?;
    let program = state.keep_program(&comanda::build(Profile::Trial, "starting PostgreSQL and Redis")?)?;
    let services = Services::start(&state, Durability::Full)?;
    let comanda = Comanda::new(program, &state, &services)?
        .with_default("ACCEPT_ORDERS", "paid")
        // Over plain http, browsers refuse cookies whose names say that they are secure.
        .with_default("INSECURE_COOKIES", "true");
    let admin = Admin::from_environment(&state)?;
    println!("Preparing the database: migrations, a sample menu, an admin");
    comanda.prepare(&admin)?;
    comanda.import_menu()?;
    samples::add_supplies(&comanda)?;
    let mut server = comanda.serve(&address).with_context(|| format!("cannot serve at {address}"))?;
    samples::add_choices(&server.address, &admin).context("cannot add the sample choices")?;
    samples::add_stations(&server.address, &admin).context("cannot add the sample stations")?;
    let _exports = Exports::write(&state, &comanda, &admin, &server)?;
    greet(&server.address, &admin)?;
    while !server.has_ended()? {
        interrupt::check()?;
        thread::sleep(Duration::from_millis(200));
    }
    anyhow::bail!("the server has ended by itself")
}

fn greet(address: &str, admin: &Admin) -> anyhow::Result<()> {
    let (_, menu) = get(address, "/v1/menu/items?limit=1")?;
    let menu: serde_json::Value = serde_json::from_str(&menu).context("the menu")?;
    let item = menu["data"][0]["id"].as_str().unwrap_or("<the id of a menu item>");
    let Admin { email, password } = admin;
    let json = "-H 'content-type: application/json'";
    let account = r#"{"email":"ana@example.org","password":"three short words","name":"Ana"}"#;
    let credentials = r#"{"email":"ana@example.org","password":"three short words"}"#;
    let order = format!(r#"{{"items":[{{"menu_item_id":"{item}","quantity":2}}]}}"#);
    let key = "-H 'idempotency-key: first-order'";
    let take_token = r#"sed 's/.*"access_token":"\([^"]*\)".*/\1/'"#;
    println!(
        "
Comanda serves at http://{address}; try the API at http://{address}/docs
Admin: {email}, password {password}

An order in three lines:

curl -s http://{address}/v1/users {json} -d '{account}'
TOKEN=$(curl -s http://{address}/v1/sessions {json} -d '{credentials}' | {take_token})
curl -s http://{address}/v1/orders {json} -H \"authorization: Bearer $TOKEN\" {key} -d '{order}'

Ctrl-C stops it."
    );
    Ok(())
}
