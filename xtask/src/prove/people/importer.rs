use std::{fs, path::PathBuf};

use anyhow::Context;
use comanda_proof::Request;
use rand::RngExt;

use crate::{comanda::Comanda, prove::person::Person};

/// An operator, who imports what a stock-take has found.
pub struct Importer {
    person: Person,
    comanda: Comanda,
    file: PathBuf,
}

impl Importer {
    /// How the ledger calls it.
    const REASON: &str = "import of supplies";

    pub fn enter(person: Person, comanda: Comanda, file: PathBuf) -> Self {
        Self { person, comanda, file }
    }

    pub async fn work(mut self) {
        while self.person.goes_on() {
            self.person.think(15_000).await;
            if let Err(error) = self.import().await {
                self.person.scene.history.complain(format!("an import: {error:#}"));
            }
        }
    }

    async fn import(&mut self) -> anyhow::Result<()> {
        let [dough, cream] = [2000, 9000].map(|most| self.person.random.random_range(most / 2..most));
        fs::write(&self.file, format!("name,stock\nDough,{dough}\nCream,{cream}\n"))?;
        let mut command = self.comanda.command(&["supplies", "import"]);
        command.arg(&self.file);
        let begun = self.person.scene.history.begin();
        let output = tokio::task::spawn_blocking(move || command.output()).await?.context("comanda supplies import")?;
        // Whatever has failed may have been done.
        let status = if output.status.success() { 200 } else { 503 };
        let request = Request::Import { reason: Self::REASON.to_owned() };
        self.person.scene.history.operate(begun, request, status);
        Ok(())
    }
}
