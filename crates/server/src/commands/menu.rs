use std::{collections::HashSet, path::PathBuf};

use anyhow::{Context, bail};
use clap::{ArgGroup, Subcommand};
use comanda_domain::{
    Availability, Category, Currency, Description, ImportedMenuItem, MenuItem, MenuItemName, Price, Stock,
    ports::{MenuCache, MenuTag},
};
use serde::{Deserialize, Serialize};

use super::{Settings, print};
use crate::{
    app,
    exit::UsageError,
    spreadsheet::{escaped, unescaped},
};

#[derive(Subcommand)]
pub enum MenuCommand {
    /// Import the menu from a CSV file (name,category,price,stock,description), all of it or nothing.
    Import {
        /// The CSV file.
        file: PathBuf,
        /// Do nothing if there is a menu already.
        #[arg(long)]
        if_empty: bool,
    },
    /// Print the menu as CSV.
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

/// A row of the file. Prices are decimal numbers: `12.50`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: String,
    category: String,
    price: String,
    stock: String,
    #[serde(default)]
    description: String,
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
                let text = std::fs::read(&file)
                    .map_err(|why| UsageError::new(&format!("cannot read {}", file.display()), why))?;
                let items = parse(&text, config.currency)?;
                let (setup, _workers) = app::setup(config).await?;
                if if_empty && !setup.export_menu().await?.items.is_empty() {
                    return print("There is a menu already; nothing was imported.\n");
                }
                let summary = setup.import_menu(items).await?;
                let (added, changed, unchanged) = (summary.added, summary.changed, summary.unchanged);
                print(&format!("{added} menu items added, {changed} changed, {unchanged} as they were.\n"))
            }
            Self::Export => {
                let config = &settings.store()?;
                let (setup, _workers) = app::setup(config).await?;
                let menu = setup.export_menu().await?;
                print(&export(&menu.items)?)
            }
        }
    }
}

fn parse(text: &[u8], currency: Currency) -> anyhow::Result<Vec<ImportedMenuItem>> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text);
    let mut mistakes = Vec::new();
    let mut seen = HashSet::new();
    let mut items = Vec::new();
    for (position, row) in reader.deserialize::<Row>().enumerate() {
        // The header is line 1.
        let line = position + 2;
        match row.map_err(anyhow::Error::from).and_then(|row| item(&row, currency)) {
            Ok(item) if !seen.insert((item.category.clone(), item.name.clone())) => {
                mistakes.push(format!("line {line}: {} / {} is listed twice", item.category, item.name));
            }
            Ok(item) => items.push(item),
            Err(mistake) => mistakes.push(format!("line {line}: {mistake:#}")),
        }
    }
    if !mistakes.is_empty() {
        bail!("nothing was imported:\n  - {}", mistakes.join("\n  - "));
    }
    Ok(items)
}

fn item(row: &Row, currency: Currency) -> anyhow::Result<ImportedMenuItem> {
    Ok(ImportedMenuItem {
        name: MenuItemName::new(unescaped(&row.name)).context("name")?,
        category: Category::new(unescaped(&row.category)).context("category")?,
        price: Price::parse_decimal(&row.price, currency).context("price")?,
        stock: Stock::new(row.stock.parse().context("stock")?).context("stock")?,
        description: Description::new(unescaped(&row.description)).context("description")?,
    })
}

fn export(items: &[MenuItem]) -> anyhow::Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for item in items {
        writer.serialize(Row {
            name: escaped(item.details.name.as_str()).into_owned(),
            category: escaped(item.details.category.as_str()).into_owned(),
            price: item.details.price.money().to_string(),
            stock: item.stock.to_string(),
            description: escaped(item.details.description.as_str()).into_owned(),
        })?;
    }
    Ok(String::from_utf8(writer.into_inner()?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mistake_is_named_with_its_line() {
        let file = "name,category,price,stock,description\n\
                    Soup,Starters,4.50,10,\n\
                    ,Starters,4.50,10,\n\
                    Soup,Starters,4.50,10,again\n\
                    Bread,Starters,four,10,\n\
                    Oil,Starters,1.00,-1,\n\
                    Salt,Starters\n";
        let error = parse(file.as_bytes(), Currency::EUR).unwrap_err().to_string();
        for expected in ["line 3: name", "line 4: Starters / Soup", "line 5: price", "line 6: stock", "line 7"] {
            assert!(error.contains(expected), "{expected} is missing in: {error}");
        }
        assert!(!error.contains("line 2:"));
    }

    #[test]
    fn a_name_that_looks_like_a_formula_is_exported_as_a_text_and_imported_as_it_was() {
        let file = "name,category,price,stock,description\n\"'=1+1\",'@home,4.50,10,'-2+3\n";
        let items = parse(file.as_bytes(), Currency::EUR).unwrap();
        let texts = (items[0].name.as_str(), items[0].category.as_str(), items[0].description.as_str());
        assert_eq!(texts, ("=1+1", "@home", "-2+3"));
        let item = MenuItem {
            id: comanda_domain::MenuItemId::new(uuid::Uuid::nil()),
            details: comanda_domain::MenuItemDetails {
                name: items[0].name.clone(),
                description: items[0].description.clone(),
                category: items[0].category.clone(),
                price: items[0].price,
                low_stock_at: items[0].stock,
                active: true,
            },
            stock: items[0].stock.get(),
            revision: 1,
            version: 1,
            created_at: chrono::DateTime::UNIX_EPOCH,
            updated_at: chrono::DateTime::UNIX_EPOCH,
        };
        assert_eq!(export(&[item]).unwrap(), file.replace('"', ""));
    }

    #[test]
    fn the_sample_menu_can_be_imported() {
        let items = parse(include_bytes!("../../../../samples/menu.csv"), Currency::EUR).unwrap();
        assert!((35..=60).contains(&items.len()));
    }
}
