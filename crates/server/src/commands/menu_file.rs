//! Menu files: CSV, one menu item per line. What is exported is imported as it was.

use std::collections::{HashMap, HashSet};

use anyhow::{Context, bail};
use comanda_domain::{
    Category, Currency, Description, FieldRefused, ImportedMenuItem, ImportedStock, MenuItem, MenuItemId, MenuItemName,
    Price, Written,
};

use super::row_file::{Cells, RowFile, read_quantity, refusal};

/// The columns. Prices are decimal numbers: `12.50`. Without those that are not required, what they would say stays as
/// it is; a menu item that is new needs a stock.
const FILE: RowFile<8> = RowFile {
    columns: ["name", "category", "price", "stock", "description", "low_stock_at", "active", "id"],
    required: 3,
};

/// What the cell of a stock says of a menu item that is not counted. An empty one says it, too, of one that is new, and
/// otherwise nothing: a cell that was lost must not let what is counted sell without end.
const NOT_COUNTED: &str = "not counted";

/// What a file says, and on which line.
pub struct MenuFile(Vec<(usize, ImportedMenuItem)>);

impl MenuFile {
    /// Reads all of it. The error lists every mistake with its line.
    pub fn read(text: &[u8], currency: Currency) -> anyhow::Result<Self> {
        let mut ids = HashSet::new();
        let mut places = HashMap::new();
        let objection = |item: &ImportedMenuItem| {
            let place =
                item.place(None).map(|(category, name)| [category.as_str(), name.as_str()].map(str::to_lowercase));
            if let (Err(mistake), None) = (&place, item.id) {
                return Some(mistake.to_string());
            }
            // Two of one name can only be on a menu that had them before names were unique, and there by their ids.
            let other = place.ok().and_then(|place| places.insert(place, item.id.is_some()));
            let twin = other.is_some_and(|has_id| !has_id || item.id.is_none());
            let again = item.id.is_some_and(|id| !ids.insert(id));
            (twin || again).then(|| format!("{} / {} is listed twice", item.category, item.name))
        };
        Ok(Self(FILE.read(text, |cells| read(cells, currency), objection)?))
    }

    /// The error for rows that would give a menu item the name of another.
    pub fn names_taken<'a>(places: impl Iterator<Item = &'a (usize, String)>) -> anyhow::Error {
        refusal(places.map(|(line, place)| (*line, format!("{place} is what another menu item is called"))))
    }

    /// The error for rows with values that the menu items they are about do not have, and that are refused.
    pub fn values_refused<'a>(rows: impl Iterator<Item = (&'a (usize, String), FieldRefused)>) -> anyhow::Error {
        refusal(rows.map(|((line, _), refused)| (*line, refused.to_string())))
    }

    /// The items, and where each of them stands in the file, and what it is called.
    pub fn into_parts(self) -> (Vec<ImportedMenuItem>, Vec<(usize, String)>) {
        let named = |(line, item): (usize, ImportedMenuItem)| {
            let place = format!("{} / {}", item.category, item.name);
            (item, (line, place))
        };
        self.0.into_iter().map(named).unzip()
    }
}

fn read<const N: usize>(cells: &Cells<'_, N>, currency: Currency) -> anyhow::Result<ImportedMenuItem> {
    let cell = |column: &str| cells.text(column).unwrap_or_default();
    let (name, category) = (cell("name"), cell("category"));
    let description = cells.text("description");
    Ok(ImportedMenuItem {
        id: cells.id(MenuItemId::new)?,
        name: Written::<MenuItemName>::of_cell(&name.1, &name.0),
        category: Written::<Category>::of_cell(&category.1, &category.0),
        price: Price::parse_decimal(&cells.said("price").unwrap_or_default(), currency).context("price")?,
        stock: cells.text("stock").map(|(text, _)| read_stock(&text)).transpose().context("stock")?,
        description: description.map(|(trimmed, whole)| Written::<Description>::of_cell(&whole, &trimmed)),
        low_stock_at: cells.quantity("low_stock_at")?,
        active: cells.said("active").as_deref().map(read_active).transpose().context("active")?,
    })
}

fn read_stock(text: &str) -> anyhow::Result<ImportedStock> {
    Ok(match text {
        "" => ImportedStock::Empty,
        _ if text.eq_ignore_ascii_case(NOT_COUNTED) => ImportedStock::NotCounted,
        _ => match text.parse::<i32>() {
            Ok(_) => ImportedStock::Counted(read_quantity(text)?),
            Err(_) => bail!("must be a whole number, or \"{NOT_COUNTED}\""),
        },
    })
}

/// Spreadsheets write it in capitals.
fn read_active(text: &str) -> anyhow::Result<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => bail!("must be true or false"),
    }
}

/// The menu as a file.
pub fn write(items: &[MenuItem]) -> anyhow::Result<String> {
    FILE.write(items.iter().map(|item| {
        let MenuItem { id, details, stock, .. } = item;
        [
            details.name.to_string(),
            details.category.to_string(),
            details.price.money().to_string(),
            stock.map_or_else(|| NOT_COUNTED.to_owned(), |level| level.on_hand.get().to_string()),
            details.description.to_string(),
            stock.map_or_else(String::new, |level| level.low_at.get().to_string()),
            details.active.to_string(),
            id.to_string(),
        ]
    }))
}

#[cfg(test)]
mod tests {
    use comanda_domain::{MenuItemDetails, Stock, StockLevel, StockedDefinition};
    use proptest::{collection::vec, prelude::*, string::string_regex};
    use uuid::Uuid;

    use super::*;

    fn read(file: &str) -> anyhow::Result<Vec<ImportedMenuItem>> {
        Ok(MenuFile::read(file.as_bytes(), Currency::EUR)?.into_parts().0)
    }

    fn mistakes(file: &str) -> String {
        read(file).unwrap_err().to_string()
    }

    #[test]
    fn every_mistake_is_named_with_its_line() {
        let error = mistakes(
            "name,category,price,stock,description\n\
             Soup,Starters,4.50,10,\n\
             ,Starters,4.50,10,\n\
             SOUP,starters,4.50,10,again\n\
             Bread,Starters,four,10,\n\
             Oil,Starters,1.00,-1,\n\
             Salt,Starters\n",
        );
        for expected in [
            "line 3: name",
            "line 4: starters / SOUP is listed twice",
            "line 5: price",
            "line 6: stock",
            "line 7: has 2 cells, where the first line has 5: price",
        ] {
            assert!(error.contains(expected), "{expected} is missing in: {error}");
        }
        assert!(!error.contains("line 2:"));
    }

    #[test]
    fn a_text_that_would_run_is_the_same_with_spaces_around_it() {
        for cell in ["'=1+1", " '=1+1", "'=1+1\u{a0}"] {
            let items = read(&format!("name,category,price,stock\n{cell},{cell},4.50,10\n")).unwrap();
            assert_eq!(items[0].name.checked().unwrap().to_string(), "=1+1", "{cell:?}");
            assert_eq!(items[0].category.checked().unwrap().to_string(), "=1+1", "{cell:?}");
        }
    }

    #[test]
    fn a_line_is_one_of_the_file() {
        for end in ["\n", "\r\n"] {
            for mark in ["", "\u{feff}"] {
                let file = [
                    "name,category,price,stock,description",
                    "Soup,Starters,4.50,10,\"Hot,",
                    "green",
                    "and thick\"",
                    "",
                    "Bread,Starters,four,10,",
                    "",
                ];
                let error = mistakes(&format!("{mark}{}", file.join(end)));
                assert!(error.contains("line 6: price"), "{error}");
            }
        }
    }

    #[test]
    fn a_file_that_is_none_of_ours_says_why() {
        for (file, expected) in [
            ("name;category;price;stock\nSoup;Starters;4,50;10\n", "line 1: the columns are separated by semicolons"),
            ("\u{feff}sep=;\r\nname;category\r\n", "line 1: the columns are separated by semicolons"),
            ("name\tcategory\tprice\tstock\n", "line 1: the columns are separated by tabs"),
            (
                "name,category,price,stock\nSoup;Starters;4,50;10\n",
                "line 2: has 2 cells, where the first line has 4; are",
            ),
            ("name,category,price,stock,colour\n", "line 1: there is no column \"colour\""),
            ("name,category,price,name\n", "line 1: the column \"name\" is there twice"),
            ("name,stock\n", "line 1: these columns are missing: category, price"),
            ("", "the file is empty"),
            ("name,category,price,,\nSoup,Starters,1,,hot\n", "line 2: has 5 cells, where the first line has 3"),
            ("name,,category,price\nSoup,hot,Starters,1\n", "line 2: \"hot\" is in a column without a name"),
            ("name,category,price,stock\nSoup,Starters,1,99999999999\n", "line 2: stock"),
            ("name,category,price,stock,id\nSoup,Starters,1,1,17\n", "line 2: id"),
            ("name,category,price,stock,active\nSoup,Starters,1,1,maybe\n", "line 2: active"),
            ("name,category,price,stock,low_stock_at\nSoup,Starters,1,1,-1\n", "line 2: low_stock_at"),
        ] {
            let error = mistakes(file);
            assert!(error.contains(expected), "{expected} is missing in: {error}");
        }
        for end in ["\n", "\r\n", "\r"] {
            let file = [b"name,category,price,stock".as_slice(), b"Soup,A,1,1", b"Cr\xe8me,Desserts,1,1"];
            let error = MenuFile::read(&file.join(end.as_bytes()), Currency::EUR);
            let error = error.err().map(|error| error.to_string()).unwrap_or_default();
            assert!(error.contains("line 3: is not UTF-8"), "{error}");
        }
    }

    #[test]
    fn what_the_file_does_not_say_is_left_open() {
        let items = read("stock,name,category,price\n10,Soup,Starters,4.50\n").unwrap();
        let open = (&items[0].id, &items[0].description, &items[0].low_stock_at, &items[0].active);
        assert_eq!(open, (&None, &None, &None, &None));
        let items =
            read("name,category,price,stock,description,low_stock_at,active,id\nSoup,A,1,1,,,FALSE,\n").unwrap();
        let said = (&items[0].id, &items[0].low_stock_at, &items[0].active);
        assert_eq!(said, (&None, &None, &Some(false)));
        assert_eq!(items[0].description.as_ref().map(ToString::to_string), Some(String::new()));
    }

    #[test]
    fn empty_cells_and_columns_may_be_there_or_not() {
        let rows = "Soup,A,1,1,Hot,false\nBread,A,1\nSalt,A,1,,\nPepper,A,1,2,,,,\n";
        let items = read(&format!("name,category,price,stock,description,active,,\n{rows}")).unwrap();
        let said: Vec<_> = items
            .iter()
            .map(|item| {
                let description = item.description.as_ref().unwrap().to_string();
                (item.stock.clone().unwrap(), description, item.active)
            })
            .collect();
        let empty = String::new;
        let counted = |quantity| ImportedStock::Counted(Written::<Stock>::new(quantity));
        let expected = [
            (counted(1), "Hot".to_owned(), Some(false)),
            (ImportedStock::Empty, empty(), None),
            (ImportedStock::Empty, empty(), None),
            (counted(2), empty(), None),
        ];
        assert_eq!(said, expected);
        let between = read(",name,,category,price\n,Soup,,A,1\n").unwrap();
        assert_eq!((between[0].name.to_string(), &between[0].stock), ("Soup".to_owned(), &None));
    }

    #[test]
    fn a_stock_is_a_number_or_not_counted() {
        let stock = |cell: &str| {
            let items = read(&format!("name,category,price,stock\nSoup,A,1,{cell}\n"));
            items.map(|mut items| items.remove(0).stock).map_err(|error| error.to_string())
        };
        for cell in ["not counted", "Not counted", " NOT COUNTED "] {
            assert_eq!(stock(cell), Ok(Some(ImportedStock::NotCounted)), "{cell}");
        }
        assert_eq!(stock(" "), Ok(Some(ImportedStock::Empty)));
        for cell in ["counted", "none", "-", "1.5", "2147483648"] {
            let error = stock(cell).unwrap_err();
            assert!(error.contains("line 2: stock: must be a whole number, or \"not counted\""), "{error}");
        }
    }

    #[test]
    fn many_mistakes_are_counted() {
        let file = format!("name,category,price,stock\n{}", "Soup,Starters,free,1\n".repeat(250));
        let error = mistakes(&file);
        assert!(error.contains("line 101:") && !error.contains("line 102:"), "{error}");
        assert!(error.ends_with("and 150 more"), "{error}");
    }

    fn any_text(pattern: &'static str) -> impl Strategy<Value = String> {
        string_regex(pattern).unwrap()
    }

    fn any_item() -> impl Strategy<Value = MenuItem> {
        let name =
            any_text("[-=+@＝'\",;|a-z é🍋]{1,20}").prop_filter_map("a name", |text| MenuItemName::new(&text).ok());
        let category = any_text("[-=+@'\",;A-C ]{1,5}").prop_filter_map("a category", |text| Category::new(&text).ok());
        let description = any_text("[-=+@＝'\",;a-z\r\n\t \u{200b}\u{a0}]{0,30}")
            .prop_filter_map("one", |text| Description::new(&text).ok());
        let stock = proptest::option::weighted(0.8, (0_u32..=2_000_000_000, 0_u32..=1_000_000));
        let numbers = (0_i64..=100_000_000, stock, any::<bool>(), any::<u128>());
        (name, category, description, numbers).prop_map(|(name, category, description, numbers)| {
            let (price, stock, active, id) = numbers;
            let level =
                |(on_hand, low_at)| StockLevel { on_hand: Stock::stored(on_hand), low_at: Stock::stored(low_at) };
            MenuItem {
                id: MenuItemId::new(Uuid::from_u128(id)),
                details: MenuItemDetails {
                    name,
                    description,
                    category,
                    price: Price::new(price, Currency::EUR).unwrap(),
                    allergens: vec![],
                    active,
                },
                stock: stock.map(level),
                station: None,
                definition: StockedDefinition::default(),
                revision: 1,
                version: 1,
                created_at: chrono::DateTime::UNIX_EPOCH,
                updated_at: chrono::DateTime::UNIX_EPOCH,
            }
        })
    }

    proptest! {
        #[test]
        fn any_menu_is_read_as_it_was_written(menu in vec(any_item(), 0..8)) {
            let file = write(&menu).unwrap();
            let read = read(&file).unwrap();
            prop_assert_eq!(read.len(), menu.len());
            for (item, row) in menu.iter().zip(&read) {
                prop_assert_eq!(Some(item.id), row.id);
                let as_they_were = (item.details.clone(), item.stock);
                prop_assert_eq!(row.new_item(), Ok(as_they_were.clone()));
                let other = MenuItemDetails { active: !item.details.active, ..item.details.clone() };
                prop_assert_eq!(row.apply_to(other.clone(), item.stock), Ok(as_they_were.clone()));
                // Also if the menu item has been counted meanwhile, or is not counted any more. (What is counted anew
                // has to keep today's rules.)
                let counted = StockLevel { on_hand: Stock::stored(7), low_at: Stock::LOW };
                match item.stock {
                    None => prop_assert_eq!(row.apply_to(other, Some(counted)), Ok(as_they_were)),
                    Some(level) if i64::from(level.on_hand.get()) <= Stock::MAX => {
                        prop_assert_eq!(row.apply_to(other, None), Ok(as_they_were));
                    }
                    Some(_) => {}
                }
            }
        }
    }

    #[test]
    fn the_sample_menu_can_be_imported() {
        let items = read(include_str!("../../../../samples/menu.csv")).unwrap();
        assert!((35..=60).contains(&items.len()));
    }
}
