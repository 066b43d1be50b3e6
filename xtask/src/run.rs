//! `cargo xtask run`

use std::process::ExitCode;

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    comanda::{Admin, Comanda, Profile, build},
    env::Exports,
    http::Connection,
    project::State,
    services::{Durability, Services},
};

pub async fn run() -> anyhow::Result<ExitCode> {
    // From the first moment, so that a Ctrl-C during the start stops what was already started.
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let asked_to_stop = async {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    };
    tokio::select! {
        outcome = serve() => outcome,
        () = asked_to_stop => {
            println!("\nStopping; the data stay where they are.");
            Ok(ExitCode::SUCCESS)
        }
    }
}

async fn serve() -> anyhow::Result<ExitCode> {
    let address = std::env::var("BIND_ADDR").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    let state = State::open("run")?;
    println!("Building the server…");
    let program = build(Profile::Release)?;
    let services = Services::start(&state, Durability::Full).await?;
    let comanda = Comanda::new(program, &state, &services)?;
    let admin = Admin::from_environment(&state)?;
    comanda.prepare(&admin)?;
    let mut server = comanda.serve(&address).await.with_context(|| format!("cannot serve at {address}"))?;
    let _exports = Exports::write(&state, &comanda, &admin, &server)?;
    greet(&server.address, &admin).await?;
    while !server.has_ended()? {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    anyhow::bail!("the server has ended by itself")
}

async fn greet(address: &str, admin: &Admin) -> anyhow::Result<()> {
    let mut connection = Connection::open(address).await?;
    let menu = connection.get("/v1/menu/items?limit=1", None).await?.expect(200)?;
    let item = menu["data"][0]["id"].as_str().unwrap_or("…the id of a menu item…");
    let Admin { email, password } = admin;
    let json = "-H 'content-type: application/json'";
    println!(
        "
Comanda serves at http://{address}, with a page to try it at http://{address}/docs
Admin: {email}, password {password}

An order in three lines:

curl -s http://{address}/v1/users {json} -d '{{\"email\":\"ana@example.org\",\"password\":\"three short words\",\"name\":\"Ana\"}}'
TOKEN=$(curl -s http://{address}/v1/sessions {json} -d '{{\"email\":\"ana@example.org\",\"password\":\"three short words\"}}' | sed 's/.*\"access_token\":\"\\([^\"]*\\)\".*/\\1/')
curl -s http://{address}/v1/orders {json} -H \"authorization: Bearer $TOKEN\" -H 'idempotency-key: first-order' -d '{{\"items\":[{{\"menu_item_id\":\"{item}\",\"quantity\":2}}]}}'

Ctrl-C stops it."
    );
    Ok(())
}
