use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context;
use comanda_proof::Request;
use rand::{RngExt, rngs::StdRng};

use crate::{
    comanda::Comanda,
    prove::{pantry::SEASONAL, person::Person},
};

/// What is imported.
#[derive(Clone, Copy)]
pub enum What {
    /// What a stock-take has found.
    Supplies,
    /// What the dishes of the season cost, and how many there are.
    Menu,
}

impl What {
    const fn name(self) -> &'static str {
        match self {
            Self::Supplies => "supplies",
            Self::Menu => "menu",
        }
    }

    /// How the ledger calls it.
    const fn reason(self) -> &'static str {
        match self {
            Self::Supplies => "import of supplies",
            Self::Menu => "menu import",
        }
    }

    fn draw(self, random: &mut StdRng) -> String {
        match self {
            Self::Supplies => {
                let [dough, cream] = [2000, 9000].map(|most| random.random_range(most / 2..most));
                format!("name,stock\nDough,{dough}\nCream,{cream}\n")
            }
            Self::Menu => {
                let rows = SEASONAL.map(|(name, category, most)| {
                    // Hardly ever the same twice, as with what the staff changes.
                    let (price, stock) = (random.random_range(100..100_000), random.random_range(0..=most));
                    format!("{name},{category},{}.{:02},{stock}\n", price / 100, price % 100)
                });
                format!("name,category,price,stock\n{}", rows.concat())
            }
        }
    }
}

/// An operator, who imports one or the other now and then.
pub struct Importer {
    person: Person,
    comanda: Comanda,
    what: What,
    file: PathBuf,
}

impl Importer {
    pub fn enter(person: Person, comanda: Comanda, what: What, folder: &Path) -> Self {
        Self { person, comanda, what, file: folder.join(what.name()).with_extension("csv") }
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
        fs::write(&self.file, self.what.draw(&mut self.person.random))?;
        let mut command = self.comanda.command(&[self.what.name(), "import"]);
        command.arg(&self.file);
        let begun = self.person.scene.history.begin();
        let output = tokio::task::spawn_blocking(move || command.output()).await?.context("comanda import")?;
        // Whatever has failed may have been done.
        let status = if output.status.success() { 200 } else { 503 };
        let request = Request::Import { reason: self.what.reason().to_owned() };
        self.person.scene.history.operate(begun, None, request, status);
        Ok(())
    }
}
