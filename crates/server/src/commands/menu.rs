use std::path::PathBuf;

use anyhow::Context;
use clap::{ArgGroup, Subcommand};
use comanda_domain::{
    Availability, Category,
    ports::{ImportMenuError, MenuCache, MenuListing, MenuTag},
};

use super::{
    Settings, menu_file,
    menu_file::MenuFile,
    print,
    row_file::{bytes_of, ensure_whole, print_summary},
};
use crate::app;

#[derive(Subcommand)]
pub enum MenuCommand {
    /// Import the menu from a CSV file, all of it or nothing.
    ///
    /// Its columns are name, category and price, and perhaps stock, description, `low_stock_at`, active and id; a
    /// column that is missing leaves alone what it would say. A stock is a number, or "not counted": then the menu item
    /// is always in stock. An empty one leaves alone the stock of a menu item that is there, and means "not counted"
    /// for a new one. A file with new menu items needs the column. A row is about the menu item with its id, or else with its category and name. Other menu items
    /// stay as they are.
    Import {
        /// The CSV file.
        file: PathBuf,
        /// Do nothing if there is a menu already.
        #[arg(long)]
        if_empty: bool,
    },
    /// Print the menu as CSV, as `import` reads it.
    ///
    /// A menu item that cannot be read is left out and named on standard error; the exit code is 1 then.
    Export,
    /// Make every server renew its copies of some menu items, after the tables were changed by hand.
    #[command(group = ArgGroup::new("tag").required(true))]
    Invalidate {
        /// The items of this category.
        #[arg(long, group = "tag", value_parser = |text: &str| Category::new(text))]
        category: Option<Category>,
        /// The items with this availability.
        #[arg(long, group = "tag", value_parser = Availability::ALL.map(Availability::as_str))]
        availability: Option<String>,
    },
}

impl MenuCommand {
    pub async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        match self {
            Self::Invalidate { category, availability } => {
                let category = category.map(MenuTag::Category);
                let availability = Availability::ALL
                    .into_iter()
                    .find(|known| availability.as_deref() == Some(known.as_str()))
                    .map(MenuTag::Availability);
                let tag = category.or(availability).context("neither a category nor an availability")?;
                let dropped = app::shared_menu(&settings.cache()?).await?.invalidate(&tag).await?;
                print(&format!("{dropped} entries deleted; every server renews its copies.\n"))
            }
            Self::Import { file, if_empty } => {
                let config = &settings.store()?;
                let (items, places) = MenuFile::read(&bytes_of(&file)?, config.currency)?.into_parts();
                let (setup, _workers) = app::setup(config).await?;
                if if_empty && setup.export_menu().await? != MenuListing::default() {
                    return print("There is a menu already; nothing was imported.\n");
                }
                let summary = setup.import_menu(items).await.map_err(|error| match error {
                    ImportMenuError::NamesTaken(rows) => MenuFile::names_taken(rows.iter().map(|row| &places[*row])),
                    ImportMenuError::Refused(rows) => {
                        MenuFile::values_refused(rows.into_iter().map(|(row, refused)| (&places[row], refused)))
                    }
                    ImportMenuError::Unavailable(cause) => cause.into(),
                })?;
                print_summary(summary, "menu items")
            }
            Self::Export => {
                let config = &settings.store()?;
                let (setup, _workers) = app::setup(config).await?;
                let menu = setup.export_menu().await?;
                print(&menu_file::write(&menu.items)?)?;
                ensure_whole(&menu.unreadable, "the file is not the whole menu")
            }
        }
    }
}
