//! A private server with the sample menu, for checks that do what its clients do.

use std::process::Command;

use anyhow::{Context, bail};
use serde_json::{Value, json};

use crate::{
    build::Profile,
    comanda::{self, Admin, Comanda, Server, get, request},
    project::State,
    samples,
    services::{Durability, Services, free_port},
};

/// What would have the server talk to anybody else. An empty variable counts as not set.
const SILENT: [&str; 4] = ["MAIL_URL", "OTEL_EXPORTER_OTLP_ENDPOINT", "STRIPE_SECRET_KEY", "WEBHOOK_URLS"];

/// Stops, and the servers behind it, when dropped: in the order of the fields.
pub struct Shop {
    server: Server,
    pub admin: Admin,
    _services: Services,
    _state: State,
}

impl Shop {
    /// With an empty database, whatever the environment names.
    pub fn open(purpose: &str, settings: &[(&str, &str)]) -> anyhow::Result<Self> {
        let state = State::open_empty(purpose)?;
        let program = state.keep_program(&comanda::build(Profile::Development, "starting PostgreSQL and Redis")?)?;
        let services = Services::start_private(&state, Durability::None)?;
        let mut comanda = Comanda::new(program, &state, &services)?;
        let silent = SILENT.map(|name| (name, ""));
        let always = [("PAYMENT_GATEWAY", "offline"), ("LOG", "warn"), ("INSECURE_COOKIES", "true")];
        for (name, value) in silent.iter().chain(&always).chain(settings) {
            comanda.settings.insert((*name).to_owned(), (*value).to_owned());
        }
        let admin = Admin::from_environment(&state)?;
        comanda.prepare(&admin)?;
        comanda.import_menu()?;
        samples::add_supplies(&comanda)?;
        let server = comanda.serve(&format!("127.0.0.1:{}", free_port()?))?;
        samples::add_choices(&server.address, &admin).context("cannot add the sample choices")?;
        samples::add_stations(&server.address, &admin).context("cannot add the sample stations")?;
        Ok(Self { server, admin, _services: services, _state: state })
    }

    pub fn address(&self) -> &str {
        &self.server.address
    }

    /// Opens a customer's account.
    pub fn register(&self, name: &str, email: &str, password: &str) -> anyhow::Result<()> {
        let account = json!({ "name": name, "email": email, "password": password }).to_string();
        match request(self.address(), "POST", "/v1/users", &[], &account)? {
            (201, _) => Ok(()),
            (status, body) => bail!("cannot register {email}: {status} {body}"),
        }
    }

    /// The id of a menu item.
    pub fn menu_item(&self, name: &str) -> anyhow::Result<String> {
        let (_, menu) = get(self.address(), "/v1/menu/items?limit=100")?;
        let menu: Value = serde_json::from_str(&menu).context("the menu")?;
        let item = menu["data"].as_array().into_iter().flatten().find(|item| item["name"] == name);
        item.and_then(|item| item["id"].as_str()).map(str::to_owned).with_context(|| format!("there is no {name}"))
    }
}

/// Has a program that talks to the shop reach it without a proxy.
pub fn directly(command: &mut Command) -> &mut Command {
    command.env("NO_PROXY", "127.0.0.1").env("no_proxy", "127.0.0.1")
}
