use std::path::PathBuf;

use clap::Subcommand;
use comanda_domain::ports::{ImportSuppliesError, SupplyListing};

use super::{
    print,
    row_file::{bytes_of, ensure_whole, print_summary, refusal},
    supplies_file,
};
use crate::{app, config::StoreConfig};

#[derive(Subcommand)]
pub enum SuppliesCommand {
    /// Import supplies from a CSV file, all of it or nothing.
    ///
    /// Its columns are name, and perhaps unit (piece, g or ml), stock, `low_stock_at` and id; a column that is missing
    /// leaves alone what it would say, and so does an empty cell, but a new supply needs a unit and a stock. A row is
    /// about the supply with its id, or else with its name. No supply gets another unit, and other supplies stay as
    /// they are.
    Import {
        /// The CSV file.
        file: PathBuf,
        /// Do nothing if there are supplies already.
        #[arg(long)]
        if_empty: bool,
    },
    /// Print the supplies as CSV, as `import` reads it.
    ///
    /// A supply that cannot be read is left out and named on standard error; the exit code is 1 then.
    Export,
}

impl SuppliesCommand {
    pub async fn run(self, config: &StoreConfig) -> anyhow::Result<()> {
        match self {
            Self::Import { file, if_empty } => {
                let (lines, rows): (Vec<usize>, Vec<_>) = supplies_file::read(&bytes_of(&file)?)?.into_iter().unzip();
                let (setup, _workers) = app::setup(config).await?;
                if if_empty && setup.export_supplies().await? != SupplyListing::default() {
                    return print("There are supplies already; nothing was imported.\n");
                }
                let summary = setup.import_supplies(rows).await.map_err(|error| match error {
                    ImportSuppliesError::NamesTaken(rows) => {
                        let taken = "the name is what another supply is called";
                        refusal(rows.into_iter().map(|row| (lines[row], taken.to_owned())))
                    }
                    ImportSuppliesError::Refused(rows) => {
                        refusal(rows.into_iter().map(|(row, refused)| (lines[row], refused.to_string())))
                    }
                    ImportSuppliesError::Unavailable(cause) => cause.into(),
                })?;
                print_summary(summary, "supplies")
            }
            Self::Export => {
                let (setup, _workers) = app::setup(config).await?;
                let listing = setup.export_supplies().await?;
                print(&supplies_file::write(&listing.supplies)?)?;
                ensure_whole(&listing.unreadable, "the file has not all supplies")
            }
        }
    }
}
