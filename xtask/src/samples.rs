//! What the sample shop has besides its menu: supplies, choices, recipes and stations.
//!
//! `comanda menu import` and `comanda supplies import` read the files for them; what connects the two goes through the
//! API, as staff would enter it.

use std::{collections::BTreeMap, fs};

use anyhow::{Context, bail};
use serde_json::{Map, Value, json};

use crate::{
    comanda::{Admin, Comanda, get, request},
    process::succeed,
    project,
};

/// Supplies for a shop that has none.
pub fn add_supplies(comanda: &Comanda) -> anyhow::Result<()> {
    let supplies = project::root().join("samples/supplies.csv");
    succeed(comanda.command(&["supplies", "import", "--if-empty"]).arg(supplies))
}

/// Choices and recipes for those menu items of the sample menu that are as they were imported: what staff have changed
/// since, they may have changed on purpose.
pub fn add_choices(address: &str, admin: &Admin) -> anyhow::Result<()> {
    let sample = read_sample()?;
    let listed = list(&parsed(get(address, "/v1/menu/items?limit=100")?, 200)?, |item| {
        (item["revision"] == 1).then(|| item["id"].as_str().map(str::to_owned)).flatten()
    });
    let untouched: Vec<(&Value, &String)> =
        entries(&sample["menu_items"]).filter_map(|item| Some((item, listed.get(item["name"].as_str()?)?))).collect();
    if untouched.is_empty() {
        return Ok(());
    }
    let mut shop = Shop::enter(address, admin)?;
    if !shop.has_supplies_for(&sample) {
        println!("The shop has other supplies than the sample: its menu gets no choices");
        return Ok(());
    }
    for group in entries(&sample["option_groups"]) {
        shop.add_group(group)?;
    }
    for (item, id) in untouched {
        let path = format!("/v1/menu/items/{id}");
        shop.put(&format!("{path}/option-groups"), &shop.offers(item)?)?;
        shop.put(&format!("{path}/recipe"), &shop.recipe(item)?)?;
    }
    Ok(())
}

/// Stations for a kitchen that has none, so that what is ordered shows up as tickets.
pub fn add_stations(address: &str, admin: &Admin) -> anyhow::Result<()> {
    let shop = Shop::enter(address, admin)?;
    let there = shop.send("GET", "/v1/kitchen/stations?limit=1", "", 200)?;
    if entries(&there["data"]).next().is_some() {
        return Ok(());
    }
    for station in entries(&read("stations.json")?) {
        shop.send("POST", "/v1/kitchen/stations", &station.to_string(), 201)?;
    }
    Ok(())
}

fn read_sample() -> anyhow::Result<Value> {
    read("choices.json")
}

fn read(file: &str) -> anyhow::Result<Value> {
    let path = project::root().join("samples").join(file);
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is no JSON", path.display()))
}

/// A shop as the admin finds it.
struct Shop<'a> {
    address: &'a str,
    token: String,
    currency: Value,
    /// Ids by name.
    supplies: BTreeMap<String, String>,
    groups: BTreeMap<String, Group>,
}

struct Group {
    id: String,
    /// Ids by name.
    options: BTreeMap<String, String>,
}

impl<'a> Shop<'a> {
    fn enter(address: &'a str, admin: &Admin) -> anyhow::Result<Self> {
        let credentials = json!({ "email": admin.email, "password": admin.password }).to_string();
        let session = parsed(request(address, "POST", "/v1/sessions", &[], &credentials)?, 200)?;
        let token = session["access_token"].as_str().context("the session has no access_token")?.to_owned();
        let currency = parsed(get(address, "/v1/menu")?, 200)?["currency"].clone();
        let mut shop = Self { address, token, currency, supplies: BTreeMap::new(), groups: BTreeMap::new() };
        shop.supplies = list(&shop.send("GET", "/v1/supplies?limit=100", "", 200)?, id_of);
        shop.groups = list(&shop.send("GET", "/v1/menu/option-groups?limit=100", "", 200)?, Group::read);
        Ok(shop)
    }

    fn has_supplies_for(&self, sample: &Value) -> bool {
        supplies_of(sample).all(|name| self.supplies.contains_key(name))
    }

    /// Unless there is one of that name, from a start that was interrupted.
    fn add_group(&mut self, group: &Value) -> anyhow::Result<()> {
        let name = name_of(group)?;
        if self.groups.contains_key(name) {
            return Ok(());
        }
        let option = |option: &Value| {
            let mut written = option.clone();
            if let Some(price) = option["price"].as_i64() {
                written["price"] = self.money(price);
            }
            if let Some(supply) = option["supply"].as_object() {
                let id = self.supply(name_of(&option["supply"])?)?;
                written["supply"] = json!({ "supply_id": id, "amount": supply["amount"] });
            }
            anyhow::Ok(written)
        };
        let options = entries(&group["options"]).map(option).collect::<anyhow::Result<Vec<_>>>()?;
        let body = json!({ "name": name, "options": options });
        let added = self.send("POST", "/v1/menu/option-groups", &body.to_string(), 201)?;
        self.groups.insert(name.to_owned(), Group::read(&added).context("a group without an id")?);
        Ok(())
    }

    fn offers(&self, item: &Value) -> anyhow::Result<Value> {
        let offer = |offer: &Value| {
            let name = offer["group"].as_str().context("an offer without a group")?;
            let group = self.groups.get(name).with_context(|| format!("there is no group {name}"))?;
            let price = |(option, price): (&String, &Value)| {
                let id = group.options.get(option).with_context(|| format!("{name} has no option {option}"))?;
                let price = self.money(price.as_i64().context("a price that is no integer")?);
                anyhow::Ok(json!({ "option_id": id, "price": price }))
            };
            let prices = offer["prices"].as_object().into_iter().flatten().map(price);
            anyhow::Ok(json!({
                "group_id": group.id, "min": offer["min"], "max": offer["max"],
                "max_each": offer["max_each"].as_i64().unwrap_or(1),
                "prices": prices.collect::<anyhow::Result<Vec<_>>>()?,
            }))
        };
        Ok(Value::Array(entries(&item["option_groups"]).map(offer).collect::<anyhow::Result<_>>()?))
    }

    fn recipe(&self, item: &Value) -> anyhow::Result<Value> {
        let ingredient = |(name, amount): (&String, &Value)| {
            anyhow::Ok(json!({ "supply_id": self.supply(name)?, "amount": amount }))
        };
        let recipe = item["recipe"].as_object().into_iter().flatten().map(ingredient);
        Ok(Value::Array(recipe.collect::<anyhow::Result<_>>()?))
    }

    fn supply(&self, name: &str) -> anyhow::Result<&String> {
        self.supplies.get(name).with_context(|| format!("there is no supply {name}"))
    }

    fn money(&self, amount: i64) -> Value {
        json!({ "amount": amount, "currency": self.currency })
    }

    fn put(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.send("PUT", path, &body.to_string(), 200)
    }

    fn send(&self, method: &str, path: &str, body: &str, status: u16) -> anyhow::Result<Value> {
        let authorization = format!("authorization: Bearer {}", self.token);
        let response = request(self.address, method, path, &[&authorization, "if-match: *"], body);
        parsed(response?, status).with_context(|| format!("{method} {path}"))
    }
}

impl Group {
    fn read(group: &Value) -> Option<Self> {
        let options = entries(&group["options"]);
        let options = options.filter_map(|option| Some((option["name"].as_str()?.to_owned(), id_of(option)?)));
        Some(Self { id: id_of(group)?, options: options.collect() })
    }
}

fn parsed((status, body): (u16, String), expected: u16) -> anyhow::Result<Value> {
    if status != expected {
        bail!("expected {expected}, got {status}: {body}");
    }
    serde_json::from_str(&body).with_context(|| format!("{body} is no JSON"))
}

/// By name, what there is to say of each entry of a page.
fn list<T>(page: &Value, read: impl Fn(&Value) -> Option<T>) -> BTreeMap<String, T> {
    entries(&page["data"]).filter_map(|entry| Some((entry["name"].as_str()?.to_owned(), read(entry)?))).collect()
}

fn entries(array: &Value) -> impl Iterator<Item = &Value> {
    array.as_array().into_iter().flatten()
}

fn id_of(value: &Value) -> Option<String> {
    value["id"].as_str().map(str::to_owned)
}

fn name_of(value: &Value) -> anyhow::Result<&str> {
    value["name"].as_str().with_context(|| format!("{value} has no name"))
}

/// The names of all supplies that options and recipes of the sample take.
fn supplies_of(sample: &Value) -> impl Iterator<Item = &str> {
    let options = entries(&sample["option_groups"]).flat_map(|group| entries(&group["options"]));
    let of_options = options.filter_map(|option| option["supply"]["name"].as_str());
    let recipes = entries(&sample["menu_items"]).filter_map(|item| item["recipe"].as_object());
    of_options.chain(recipes.flat_map(Map::keys).map(String::as_str))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn names_in(file: &str) -> Vec<String> {
        let text = fs::read_to_string(project::root().join("samples").join(file)).unwrap();
        text.lines().skip(1).filter_map(|line| Some(line.split_once(',')?.0.to_owned())).collect()
    }

    #[test]
    fn every_category_of_the_sample_menu_goes_to_one_station() {
        let text = fs::read_to_string(project::root().join("samples/menu.csv")).unwrap();
        let menu: BTreeSet<&str> = text.lines().skip(1).filter_map(|line| line.split(',').nth(1)).collect();
        let sample = read("stations.json").unwrap();
        let stations = entries(&sample).flat_map(|station| entries(&station["categories"]));
        let mut listed: Vec<&str> = stations.map(|category| category.as_str().unwrap()).collect();
        listed.sort_unstable();
        assert_eq!(listed, menu.into_iter().collect::<Vec<_>>());
    }

    #[test]
    fn the_sample_names_what_there_is() {
        let sample = read_sample().unwrap();
        let supplies: BTreeMap<_, _> = names_in("supplies.csv").into_iter().map(|name| (name.clone(), name)).collect();
        let groups = entries(&sample["option_groups"]).map(|group| {
            let options = entries(&group["options"]).map(|option| option["name"].as_str().unwrap().to_owned());
            let options = options.map(|name| (name.clone(), name)).collect();
            (name_of(group).unwrap().to_owned(), Group { id: String::new(), options })
        });
        let shop =
            Shop { address: "", token: String::new(), currency: json!("EUR"), groups: groups.collect(), supplies };
        assert!(shop.has_supplies_for(&sample));
        let menu = names_in("menu.csv");
        for item in entries(&sample["menu_items"]) {
            assert!(menu.iter().any(|name| name == name_of(item).unwrap()), "{item}");
            shop.offers(item).unwrap();
            shop.recipe(item).unwrap();
        }
    }
}
