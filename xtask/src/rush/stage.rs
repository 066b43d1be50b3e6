use std::path::Path;

use anyhow::Context;

use crate::{
    build::Profile,
    comanda::{self, Admin, Comanda, Server},
    env::Exports,
    http::{Connection, log_in},
    project::State,
    services::{Durability, Services},
};

/// The servers under load, and the database they share.
pub struct Stage {
    pub addresses: Vec<String>,
    pub comanda: Comanda,
    admin: Admin,
    // In the order in which they must stop.
    pub servers: Vec<Server>,
    pub services: Option<Services>,
    pub state: Option<State>,
}

impl Stage {
    /// The running server, or servers of our own if none runs or a number is given.
    pub fn running_or_own(servers: Option<usize>) -> anyhow::Result<Self> {
        match (Exports::read(), servers) {
            (Some(mut settings), None) => {
                let mut take =
                    |name: &str| settings.remove(name).with_context(|| format!("{name} of the running server"));
                let admin = Admin { email: take("ADMIN_EMAIL")?, password: take("ADMIN_PASSWORD")? };
                let addresses = vec![take("COMANDA_ADDR")?];
                let program = take("COMANDA_PROGRAM")?.into();
                let comanda = Comanda::with_settings(program, settings);
                Ok(Self { addresses, comanda, admin, servers: Vec::new(), services: None, state: None })
            }
            (_, servers) => Self::own("rush", Profile::Release, servers.unwrap_or(1)),
        }
    }

    /// Servers of our own on an empty database, as durable as in production.
    pub fn own(purpose: &str, profile: Profile, servers: usize) -> anyhow::Result<Self> {
        let state = State::open_empty(purpose)?;
        let program = comanda::build(profile, "starting PostgreSQL and Redis")?;
        let mut own = Self::in_folder(state, &program)?;
        own.comanda.import_menu()?;
        own.open(servers)?;
        Ok(own)
    }

    /// The same for a program that was built elsewhere, with no menu and no servers yet.
    pub fn of_program(purpose: &str, program: &Path) -> anyhow::Result<Self> {
        Self::in_folder(State::open_empty(purpose)?, program)
    }

    fn in_folder(state: State, program: &Path) -> anyhow::Result<Self> {
        let program = state.keep_program(program)?;
        let services = Services::start(&state, Durability::Full)?;
        let comanda = Comanda::new(program, &state, &services)?;
        let admin = Admin::from_environment(&state)?;
        comanda.prepare(&admin)?;
        Ok(Self {
            addresses: Vec::new(),
            comanda,
            admin,
            servers: Vec::new(),
            services: Some(services),
            state: Some(state),
        })
    }

    /// Replaces the servers by this many new ones.
    pub fn open(&mut self, servers: usize) -> anyhow::Result<()> {
        self.servers.clear();
        for _ in 0..servers {
            let address = format!("127.0.0.1:{}", crate::services::free_port()?);
            self.servers.push(self.comanda.serve(&address)?);
        }
        self.addresses = self.servers.iter().map(|server| server.address.clone()).collect();
        Ok(())
    }

    pub fn database_url(&self) -> anyhow::Result<&str> {
        self.comanda.settings.get("DATABASE_URL").map(String::as_str).context("no DATABASE_URL")
    }

    /// Whom an admin signs in as: the address and the password.
    pub fn admin_login(&self) -> (String, String) {
        (self.admin.email.clone(), self.admin.password.clone())
    }

    pub async fn as_admin(&self) -> anyhow::Result<(Connection, String)> {
        let mut connection = Connection::open(&self.addresses[0]).await?;
        let token = log_in(&mut connection, &self.admin.email, &self.admin.password).await?;
        Ok((connection, token))
    }
}
