//! Files of supplies: CSV, one supply per line. What is exported is imported as it was.

use std::collections::HashSet;

use anyhow::Context;
use comanda_domain::{ImportedSupply, Supply, SupplyId, SupplyName, Written};

use super::row_file::{Cells, RowFile};

/// The columns. Without those that are not required, what they would say stays as it is; a supply that is new needs a
/// unit and a stock.
const FILE: RowFile<5> = RowFile { columns: ["name", "unit", "stock", "low_stock_at", "id"], required: 1 };

/// What a file says, and on which line. The error lists every mistake with its line.
pub fn read(text: &[u8]) -> anyhow::Result<Vec<(usize, ImportedSupply)>> {
    let (mut ids, mut names) = (HashSet::new(), HashSet::new());
    FILE.read(text, row, |supply| {
        let name = supply.name(None).map(|name| name.as_str().to_lowercase());
        if let (Err(mistake), None) = (&name, supply.id) {
            return Some(mistake.to_string());
        }
        let named_again = name.is_ok_and(|name| !names.insert(name));
        let again = supply.id.is_some_and(|id| !ids.insert(id));
        (named_again || again).then(|| format!("{} is listed twice", supply.name))
    })
}

fn row<const N: usize>(cells: &Cells<'_, N>) -> anyhow::Result<ImportedSupply> {
    let name = cells.text("name").unwrap_or_default();
    Ok(ImportedSupply {
        id: cells.id(SupplyId::new)?,
        name: Written::<SupplyName>::of_cell(&name.1, &name.0),
        unit: cells.said("unit").map(|unit| unit.parse()).transpose().context("unit")?,
        stock: cells.quantity("stock")?,
        low_stock_at: cells.quantity("low_stock_at")?,
    })
}

/// The supplies as a file.
pub fn write(supplies: &[Supply]) -> anyhow::Result<String> {
    FILE.write(supplies.iter().map(|supply| {
        let Supply { id, details, unit, stock, .. } = supply;
        [
            details.name.to_string(),
            unit.to_string(),
            stock.to_string(),
            details.low_stock_at.get().to_string(),
            id.to_string(),
        ]
    }))
}

#[cfg(test)]
mod tests {
    use comanda_domain::{Stock, SupplyDetails, SupplyUnit};
    use proptest::{collection::vec, prelude::*, sample::select, string::string_regex};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn every_mistake_is_named_with_its_line() {
        let file = "name,unit,stock,id\n\
                    Dough,g,8000,\n\
                    ,g,1,\n\
                    DOUGH,g,1,\n\
                    Basil,bunch,1,\n\
                    Oil,ml,-1,\n\
                    Salt,g,1,17\n";
        let error = read(file.as_bytes()).unwrap_err().to_string();
        for expected in
            ["line 3: name", "line 4: DOUGH is listed twice", "line 5: unit: a unit is", "line 6: stock", "line 7: id"]
        {
            assert!(error.contains(expected), "{expected} is missing in: {error}");
        }
        assert!(!error.contains("line 2:"), "{error}");
        for (file, expected) in [
            ("unit,stock\ng,1\n", "line 1: these columns are missing: name"),
            ("name,colour\n", "there is no column \"colour\"; the columns are name, unit, stock, low_stock_at, id"),
        ] {
            let error = read(file.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(expected), "{expected} is missing in: {error}");
        }
    }

    fn any_supply() -> impl Strategy<Value = Supply> {
        let name = string_regex("[-=+@＝'\",;|a-z é🍋]{1,20}").unwrap();
        let name = name.prop_filter_map("a name", |text| SupplyName::new(&text).ok());
        let numbers = (0_u32..=2_000_000_000, 0_i64..=1_000_000, any::<u128>());
        (name, select(SupplyUnit::ALL.to_vec()), numbers).prop_map(|(name, unit, (stock, low, id))| Supply {
            id: SupplyId::new(Uuid::from_u128(id)),
            details: SupplyDetails { name, low_stock_at: Stock::new(low).unwrap() },
            unit,
            stock,
            revision: 1,
            version: 1,
            created_at: chrono::DateTime::UNIX_EPOCH,
            updated_at: chrono::DateTime::UNIX_EPOCH,
        })
    }

    proptest! {
        #[test]
        fn any_supplies_are_read_as_they_were_written(supply in any_supply(), others in vec(any_supply(), 0..3)) {
            let file = write(std::slice::from_ref(&supply)).unwrap();
            let read_back = read(file.as_bytes()).unwrap();
            prop_assert_eq!(read_back.len(), 1);
            let (_, row) = &read_back[0];
            let stored = Stock::stored(supply.stock);
            prop_assert_eq!(row.id, Some(supply.id));
            prop_assert_eq!(row.new_supply(), Ok((supply.details.clone(), supply.unit, stored)));
            for other in others {
                let after = row.apply_to(other.details, supply.unit, Stock::stored(other.stock));
                let in_range = supply.stock == other.stock || Stock::new(i64::from(supply.stock)).is_ok();
                prop_assert_eq!(after.is_ok(), in_range);
                prop_assert!(after.is_err() || after == Ok((supply.details.clone(), stored)));
            }
        }
    }
}
