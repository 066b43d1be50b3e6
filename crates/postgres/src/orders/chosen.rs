//! What was chosen with a line, and what the line took of supplies, as they stand in the line's own row.
//!
//! Servers of other releases read it, too, and a line never changes: no name gets another meaning, what is added is
//! `#[serde(default)]`, and what is unknown is passed over.

use std::collections::BTreeMap;

use comanda_domain::{
    Currency, Money, OptionGroupName, OptionId, OptionName, OrderLine, Quantity, SelectedOption, SupplyId,
    ports::Readable,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::database::RowOf;

/// Its names are short: they are in every row.
#[derive(Deserialize, Serialize)]
struct StoredSelection {
    #[serde(rename = "o")]
    option: Uuid,
    #[serde(default, rename = "g")]
    group: String,
    #[serde(default, rename = "n")]
    name: String,
    #[serde(rename = "q")]
    quantity: i64,
    #[serde(rename = "p")]
    unit_price: i64,
}

impl From<&SelectedOption> for StoredSelection {
    fn from(selected: &SelectedOption) -> Self {
        Self {
            option: selected.option_id.as_uuid(),
            group: selected.group.as_str().to_owned(),
            name: selected.name.as_str().to_owned(),
            quantity: selected.quantity.into(),
            unit_price: selected.unit_price.amount(),
        }
    }
}

/// The column `selections` of a line.
pub(super) fn selections_of(line: &OrderLine) -> Option<Value> {
    let stored: Vec<StoredSelection> = line.selections.iter().map(StoredSelection::from).collect();
    (!stored.is_empty()).then(|| json!(stored))
}

/// The column `taken` of a line.
pub(super) fn taken_of(line: &OrderLine) -> Option<Value> {
    let of_supply = |(id, amount): (&SupplyId, &u32)| (id.to_string(), Value::from(*amount));
    (!line.taken.is_empty()).then(|| Value::Object(line.taken.iter().map(of_supply).collect()))
}

/// The column `extras` of a line: what its selections cost with one of the menu item. The line comes to
/// `quantity * (unit_price + extras)`, which was computed before, so nothing overflows.
pub(super) fn extras_of(line: &OrderLine) -> i64 {
    let cost = |selected: &SelectedOption| selected.unit_price.amount().saturating_mul(selected.quantity.into());
    line.selections.iter().map(cost).fold(0, i64::saturating_add)
}

/// The selections of a line whose column `selections` has this text.
pub(super) fn read_selections(
    row: &RowOf<Uuid>,
    column: Option<&str>,
    currency: Currency,
) -> Readable<Vec<SelectedOption>> {
    let Some(text) = column else { return Ok(Vec::new()) };
    let stored: Vec<StoredSelection> = row.read("selections", serde_json::from_str(text))?;
    let selected = |stored: StoredSelection| -> Readable<SelectedOption> {
        Ok(SelectedOption {
            option_id: OptionId::new(stored.option),
            group: OptionGroupName::stored(&stored.group),
            name: OptionName::stored(&stored.name),
            quantity: row.read("selections", Quantity::new(stored.quantity))?,
            unit_price: Money::new(stored.unit_price, currency),
        })
    };
    stored.into_iter().map(selected).collect()
}

/// What a line whose column `taken` has this text took of each supply.
pub(super) fn read_taken(row: &RowOf<Uuid>, column: Option<&str>) -> Readable<BTreeMap<SupplyId, u32>> {
    let Some(text) = column else { return Ok(BTreeMap::new()) };
    let stored: BTreeMap<Uuid, u32> = row.read("taken", serde_json::from_str(text))?;
    Ok(stored.into_iter().map(|(id, amount)| (SupplyId::new(id), amount)).collect())
}

#[cfg(test)]
mod tests {
    use comanda_domain::{MenuItemId, MenuItemName};

    use super::*;

    /// As they stand in the database. Whoever changes these texts locks out the servers of the release before.
    const SELECTIONS: &str = r#"[{"o":"00000000-0000-0000-0000-000000000002","g":"Size","n":"Large","q":1,"p":300},
        {"o":"00000000-0000-0000-0000-000000000001","g":"Extras","n":"Guacamole","q":2,"p":250}]"#;
    const TAKEN: &str =
        r#"{"00000000-0000-0000-0000-000000000003": 400, "00000000-0000-0000-0000-000000000004": 4000000000}"#;

    const ROW: RowOf<Uuid> = RowOf { table: "order_lines", id: Uuid::nil() };

    fn selected(option: u128, group: &str, name: &str, quantity: i64, amount: i64) -> SelectedOption {
        SelectedOption {
            option_id: OptionId::new(Uuid::from_u128(option)),
            group: OptionGroupName::stored(group),
            name: OptionName::stored(name),
            quantity: Quantity::new(quantity).unwrap(),
            unit_price: Money::new(amount, Currency::EUR),
        }
    }

    fn line(selections: Vec<SelectedOption>, taken: BTreeMap<SupplyId, u32>) -> OrderLine {
        let (unit_price, quantity) = (Money::new(900, Currency::EUR), Quantity::new(3).unwrap());
        OrderLine {
            menu_item_id: MenuItemId::new(Uuid::from_u128(9)),
            name: MenuItemName::stored("Burrito"),
            unit_price,
            quantity,
            line_total: OrderLine::total(unit_price, &selections, quantity).unwrap(),
            selections,
            note: None,
            taken,
        }
    }

    #[test]
    fn what_stands_in_the_database_is_read_and_is_what_is_written() {
        let selections = read_selections(&ROW, Some(SELECTIONS), Currency::EUR).unwrap();
        assert_eq!(selections, [selected(2, "Size", "Large", 1, 300), selected(1, "Extras", "Guacamole", 2, 250)]);
        let taken = read_taken(&ROW, Some(TAKEN)).unwrap();
        let supply = |id| SupplyId::new(Uuid::from_u128(id));
        assert_eq!(taken, BTreeMap::from([(supply(3), 400), (supply(4), 4_000_000_000)]));

        let line = line(selections, taken);
        assert_eq!(selections_of(&line), serde_json::from_str(SELECTIONS).unwrap());
        assert_eq!(taken_of(&line), serde_json::from_str(TAKEN).unwrap());
        assert_eq!(extras_of(&line), 300 + 2 * 250);
        let by_columns = i64::from(line.quantity) * (line.unit_price.amount() + extras_of(&line));
        assert_eq!(line.line_total.amount(), by_columns);
    }

    #[test]
    fn nothing_is_null() {
        let line = line(Vec::new(), BTreeMap::new());
        assert_eq!((selections_of(&line), taken_of(&line), extras_of(&line)), (None, None, 0));
        assert!(read_selections(&ROW, None, Currency::EUR).unwrap().is_empty());
        assert!(read_taken(&ROW, None).unwrap().is_empty());
    }

    #[test]
    fn what_another_release_adds_or_leaves_out_locks_nobody_out() {
        let text = r#"[{"o":"00000000-0000-0000-0000-000000000002","q":1,"p":300,"x":true}]"#;
        let selections = read_selections(&ROW, Some(text), Currency::EUR).unwrap();
        assert_eq!(selections, [selected(2, "", "", 1, 300)]);
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let id = "00000000-0000-0000-0000-000000000002";
        for text in ["{}", "[{}]", &format!(r#"[{{"o":"{id}","q":0,"p":300}}]"#)] {
            let record = read_selections(&ROW, Some(text), Currency::EUR).unwrap_err();
            assert_eq!((record.table, record.column), ("order_lines", "selections"));
        }
        for text in ["[]", r#"{"rice": 1}"#, &format!(r#"{{"{id}": -1}}"#)] {
            let record = read_taken(&ROW, Some(text)).unwrap_err();
            assert_eq!((record.table, record.column), ("order_lines", "taken"));
        }
    }
}
