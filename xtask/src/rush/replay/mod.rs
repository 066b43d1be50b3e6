//! The orders of a file, as people placed them: with what they chose, at the prices that they paid.
//!
//! - What has one name is one menu item, and what means one choice is one option: see [`choices`]. Guacamole is the
//!   only one that costs anything. A line that has an option twice, spelled differently, has two of it.
//! - A menu item offers the groups of the options that its lines have: at least as many of each group as every line
//!   has, and at most as many as any line has.
//! - Where the file has several prices for the same, it has several price lists: see [`price_lists`]. The orders of
//!   one list are placed after those of another, and the prices changed in between, as a restaurant does it.
//! - Every option is a supply, of which there are as many pieces as the file orders, and so is the stock of menu
//!   items. After all orders, nothing is left of anything.

mod choices;
mod placing;
mod price_lists;
mod served;
mod sold;

use std::{
    collections::{BTreeMap, HashMap, btree_map::Entry},
    path::Path,
    str::FromStr,
};

use anyhow::{Context, bail, ensure};
use hyper::body::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

pub use self::placing::replay_orders;
use self::price_lists::{PriceList, Prices, find_price_lists};

/// The orders of a file.
#[derive(Default)]
pub struct Replay {
    orders: Vec<FileOrder>,
    items: Vec<FileItem>,
    options: Vec<FileOption>,
    price_lists: Vec<PriceList>,
}

/// An option that is stocked with less than the file orders: `Guacamole=700`.
#[derive(Clone)]
pub struct Short {
    name: String,
    stock: usize,
}

#[derive(Default)]
struct FileOrder {
    lines: Vec<FileLine>,
}

struct FileLine {
    /// Position among the menu items.
    item: usize,
    quantity: usize,
    /// Positions among the options, and how often each is chosen with one of the menu item.
    chosen: BTreeMap<usize, usize>,
    /// With all that is chosen, in minor units.
    unit_price: i64,
}

struct FileItem {
    name: String,
    ordered: usize,
    /// By the name of the group.
    offers: BTreeMap<&'static str, Bounds>,
}

/// Of what is chosen of a group.
struct Bounds {
    min: usize,
    max: usize,
    max_each: usize,
}

struct FileOption {
    name: String,
    group: &'static str,
    /// With all lines together.
    ordered: usize,
    stock: usize,
}

#[derive(Deserialize)]
struct Row {
    order_id: String,
    quantity: usize,
    item_name: String,
    choice_description: String,
    item_price: String,
}

impl Replay {
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let file = std::fs::File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(file)
    }

    fn parse(file: impl std::io::Read) -> anyhow::Result<Self> {
        let mut reader = csv::ReaderBuilder::new().delimiter(b'\t').quoting(false).from_reader(file);
        let mut replay = Self::default();
        let mut positions = Positions::default();
        for (position, row) in reader.deserialize().enumerate() {
            let row: Row = row?;
            replay.add(row, &mut positions).with_context(|| format!("line {}", position + 2))?;
        }
        replay.bound_choices();
        let prices = replay.orders.iter().enumerate().map(|(position, order)| {
            order.prices(&replay.options).with_context(|| format!("order {} of the file", position + 1))
        });
        replay.price_lists = find_price_lists(&prices.collect::<anyhow::Result<Vec<_>>>()?)?;
        Ok(replay)
    }

    fn add(&mut self, row: Row, positions: &mut Positions) -> anyhow::Result<()> {
        let unit_price = row.unit_price()?;
        let mut chosen = BTreeMap::new();
        for spelling in choices::spelled(&row.choice_description) {
            let (name, group) = choices::option(spelling);
            let option = *positions.options.entry(name.to_owned()).or_insert_with(|| {
                self.options.push(FileOption { name: name.to_owned(), group, ordered: 0, stock: 0 });
                self.options.len() - 1
            });
            self.options[option].ordered += row.quantity;
            self.options[option].stock += row.quantity;
            *chosen.entry(option).or_default() += 1;
        }
        let item = *positions.items.entry(row.item_name.clone()).or_insert_with(|| {
            self.items.push(FileItem { name: row.item_name, ordered: 0, offers: BTreeMap::new() });
            self.items.len() - 1
        });
        self.items[item].ordered += row.quantity;
        let order = *positions.orders.entry(row.order_id).or_insert_with(|| {
            self.orders.push(FileOrder::default());
            self.orders.len() - 1
        });
        self.orders[order].lines.push(FileLine { item, quantity: row.quantity, chosen, unit_price });
        Ok(())
    }

    /// Lets menu items offer just what their lines need.
    fn bound_choices(&mut self) {
        let lines = || self.orders.iter().flat_map(|order| &order.lines);
        for line in lines() {
            for option in line.chosen.keys() {
                let bounds = Bounds { min: usize::MAX, max: 0, max_each: 1 };
                self.items[line.item].offers.entry(self.options[*option].group).or_insert(bounds);
            }
        }
        for line in lines() {
            for (group, bounds) in &mut self.items[line.item].offers {
                let of_group = line.chosen.iter().filter(|(option, _)| self.options[**option].group == *group);
                let (mut count, mut most) = (0, 0);
                for (_, times) in of_group {
                    (count, most) = (count + times, most.max(*times));
                }
                bounds.min = bounds.min.min(count);
                bounds.max = bounds.max.max(count);
                bounds.max_each = bounds.max_each.max(most);
            }
        }
    }

    /// Takes stock away before anything is ordered.
    pub fn shorten(&mut self, shorts: &[Short]) -> anyhow::Result<()> {
        for Short { name, stock } in shorts {
            let Some(option) = self.options.iter_mut().find(|option| option.name == *name) else {
                let mut names: Vec<&str> = self.options.iter().map(|option| option.name.as_str()).collect();
                names.sort_unstable();
                bail!("no line of the file has {name}; there are: {}", names.join(", "));
            };
            let ordered = option.ordered;
            ensure!(*stock < ordered, "the file orders {ordered} of {name}, for which {stock} is not short");
            option.stock = *stock;
        }
        Ok(())
    }

    fn is_short(&self) -> bool {
        self.options.iter().any(|option| option.stock < option.ordered)
    }

    fn units(&self) -> u64 {
        self.items.iter().map(|item| item.ordered as u64).sum()
    }

    /// In minor units.
    fn revenue(&self) -> anyhow::Result<i64> {
        let lines = self.orders.iter().flat_map(|order| &order.lines);
        lines.map(|line| Ok(line.unit_price * i64::try_from(line.quantity)?)).sum()
    }

    /// A group's options, by their positions.
    fn groups(&self) -> BTreeMap<&'static str, Vec<usize>> {
        let mut groups = BTreeMap::<_, Vec<_>>::new();
        for (position, option) in self.options.iter().enumerate() {
            groups.entry(option.group).or_default().push(position);
        }
        groups
    }

    fn first_line(&self, is_it: impl Fn(&FileLine) -> bool) -> anyhow::Result<&FileLine> {
        self.orders.iter().flat_map(|order| &order.lines).find(|line| is_it(line)).context("no line of the file has it")
    }
}

/// By the names in the file.
#[derive(Default)]
struct Positions {
    orders: HashMap<String, usize>,
    items: HashMap<String, usize>,
    options: HashMap<String, usize>,
}

impl Row {
    /// The file has the price of the whole line: `$2.39 `.
    fn unit_price(&self) -> anyhow::Result<i64> {
        let text = self.item_price.trim().trim_start_matches('$');
        let (whole, cents) = text.split_once('.').context("the price has no cents")?;
        ensure!(cents.len() == 2, "the price {text} does not end in two digits");
        let line_total: i64 = format!("{whole}{cents}").parse().context("the price is no number")?;
        let quantity = i64::try_from(self.quantity)?;
        ensure!(quantity > 0 && line_total % quantity == 0, "{text} cannot be divided by {quantity}");
        Ok(line_total / quantity)
    }
}

impl FileOrder {
    fn prices(&self, options: &[FileOption]) -> anyhow::Result<Prices> {
        let mut prices = Prices::new();
        for line in &self.lines {
            let dearer = line.chosen.iter().filter(|(option, _)| options[**option].name == choices::DEARER);
            let times: usize = dearer.map(|(_, times)| times).sum();
            ensure!(times <= 1, "a line has {} more than once", choices::DEARER);
            match prices.entry((line.item, times == 1)) {
                Entry::Vacant(vacant) => {
                    vacant.insert(line.unit_price);
                }
                Entry::Occupied(price) => {
                    ensure!(*price.get() == line.unit_price, "the same costs two prices in one order");
                }
            }
        }
        Ok(prices)
    }

    /// The request, with the ids of menu items and options in their order.
    fn body(&self, items: &[String], options: &[String]) -> Bytes {
        let lines: Vec<Value> = self.lines.iter().map(|line| line.body(line.quantity, items, options)).collect();
        Bytes::from(json!({ "items": lines }).to_string())
    }
}

impl FileLine {
    fn body(&self, quantity: usize, items: &[String], options: &[String]) -> Value {
        let selection = |(option, times): (&usize, &usize)| json!({ "option_id": options[*option], "quantity": times });
        let selections: Vec<Value> = self.chosen.iter().map(selection).collect();
        json!({ "menu_item_id": items[self.item], "quantity": quantity, "selections": selections })
    }

    /// The request for one more of it.
    fn one_more(&self, items: &[String], options: &[String]) -> Bytes {
        Bytes::from(json!({ "items": [self.body(1, items, options)] }).to_string())
    }
}

impl FromStr for Short {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let (name, stock) = text.rsplit_once('=').context("it must be NAME=STOCK")?;
        let stock = stock.trim().parse().context("the stock must be a number, and not below zero")?;
        Ok(Self { name: name.trim().to_owned(), stock })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "order_id\tquantity\titem_name\tchoice_description\titem_price\n\
        1\t2\tBowl\t[Fresh Tomato (Mild), [White Rice, Cilantro-Lime Rice, Guacamole]]\t$22.50 \n\
        1\t1\tSoda\t[Coke]\t$1.09 \n\
        2\t1\tBowl\t[[Rice]]\t$8.75 \n\
        2\t1\tChips\tNULL\t$2.15 \n";

    #[test]
    fn a_file_is_read_with_its_choices_and_what_there_must_be_of_them() {
        let mut replay = Replay::parse(FILE.as_bytes()).unwrap();
        let ordered = |replay: &Replay| -> Vec<(String, usize)> {
            replay.options.iter().map(|option| (option.name.clone(), option.stock)).collect()
        };
        let expected = [("Fresh Tomato Salsa", 2), ("Rice", 5), ("Guacamole", 2), ("Coke", 1)];
        assert_eq!(ordered(&replay), expected.map(|(name, stock)| (name.to_owned(), stock)));
        assert_eq!((replay.units(), replay.revenue().unwrap(), replay.price_lists.len()), (5, 3449, 1));
        let bowl = &replay.items[0];
        let rice = &bowl.offers["Rice and beans"];
        assert_eq!((bowl.ordered, rice.min, rice.max, rice.max_each), (3, 1, 2, 2));
        let salsa = &bowl.offers["Salsa"];
        assert_eq!((salsa.min, salsa.max, salsa.max_each), (0, 1, 1));
        assert_eq!(replay.items[2].offers.len(), 0);

        let refused = replay.shorten(&["Guac=1".parse().unwrap()]).unwrap_err().to_string();
        assert!(refused.ends_with("there are: Coke, Fresh Tomato Salsa, Guacamole, Rice"), "{refused}");
        assert!(replay.shorten(&["Guacamole=2".parse().unwrap()]).is_err(), "that is enough");
        assert!(!replay.is_short());
        replay.shorten(&["Guacamole=1".parse().unwrap()]).unwrap();
        assert_eq!((replay.is_short(), replay.options[2].stock), (true, 1));
    }
}
