use std::collections::HashMap;

use chrono::{DateTime, Utc};
use comanda_domain::{
    Currency, MenuOption, OptionAmount, OptionDetails, OptionGroup, OptionGroupId, OptionGroupName,
    OptionGroupPosition, OptionId, OptionName, OptionSupply, Price, SupplyId, ports::Readable,
};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    database::{
        NamedRows, RowOf, StoredTime,
        schema::{menu_options, option_groups},
    },
    stocked::Revised,
};

#[derive(Clone, Deserialize, Queryable, Selectable, Serialize)]
#[diesel(table_name = option_groups, check_for_backend(diesel::pg::Pg))]
pub(super) struct GroupRow {
    pub(super) id: Uuid,
    #[diesel(deserialize_as = StoredTime)]
    created_at: DateTime<Utc>,
    #[diesel(deserialize_as = StoredTime)]
    updated_at: DateTime<Utc>,
    pub(super) revision: i32,
    pub(super) name: String,
}

#[derive(Clone, Deserialize, Insertable, Queryable, Selectable, Serialize)]
#[diesel(table_name = menu_options, check_for_backend(diesel::pg::Pg))]
pub(super) struct OptionRow {
    pub(super) id: Uuid,
    pub(super) group_id: Uuid,
    price: i64,
    pub(super) position: i32,
    supply_id: Option<Uuid>,
    supply_amount: Option<i32>,
    name: String,
    allergens: Vec<Option<String>>,
}

/// A group with its options that are not archived: what a key stands for, too.
#[derive(Clone, Deserialize, Serialize)]
pub(super) struct GroupWithOptions {
    pub(super) group: GroupRow,
    pub(super) options: Vec<OptionRow>,
}

impl Revised for GroupRow {
    fn revision(&self) -> Readable<u32> {
        RowOf { table: "option_groups", id: self.id }.read("revision", u32::try_from(self.revision))
    }
}

impl GroupRow {
    /// Where it stands in the list of groups.
    pub(super) fn position(&self) -> OptionGroupPosition {
        OptionGroupPosition { name: OptionGroupName::stored(&self.name), id: OptionGroupId::new(self.id) }
    }
}

impl OptionRow {
    pub(super) fn of(group: Uuid, position: usize, option: &MenuOption) -> Self {
        let OptionDetails { name, price, allergens, supply } = &option.details;
        Self {
            id: option.id.as_uuid(),
            group_id: group,
            price: price.money().amount(),
            position: i32::try_from(position).unwrap_or(i32::MAX),
            supply_id: supply.map(|supply| supply.supply_id.as_uuid()),
            supply_amount: supply.map(|supply| supply.amount.get()),
            name: name.as_str().to_owned(),
            allergens: allergens.iter().map(|allergen| Some(allergen.as_str().to_owned())).collect(),
        }
    }

    pub(super) fn into_option(self, currency: Currency) -> Readable<MenuOption> {
        let row = RowOf { table: "menu_options", id: self.id };
        let supply = match self.supply_id.zip(self.supply_amount) {
            Some((id, amount)) => {
                let amount = row.read("supply_amount", OptionAmount::new(amount.into()))?;
                Some(OptionSupply { supply_id: SupplyId::new(id), amount })
            }
            None => None,
        };
        let allergens = self.allergens.iter().flatten().map(|code| row.read("allergens", code.parse()));
        Ok(MenuOption {
            id: OptionId::new(self.id),
            details: OptionDetails {
                name: OptionName::stored(&self.name),
                price: row.read("price", Price::new(self.price, currency))?,
                allergens: allergens.collect::<Readable<_>>()?,
                supply,
            },
        })
    }
}

impl GroupWithOptions {
    pub(super) fn into_group(self, currency: Currency) -> Readable<OptionGroup> {
        let Self { group, options } = self;
        Ok(OptionGroup {
            id: OptionGroupId::new(group.id),
            name: OptionGroupName::stored(&group.name),
            options: options.into_iter().map(|option| option.into_option(currency)).collect::<Readable<_>>()?,
            revision: group.revision()?,
            created_at: group.created_at,
            updated_at: group.updated_at,
        })
    }

    /// These groups with their options, in this order.
    pub(super) async fn of(connection: &mut AsyncPgConnection, groups: Vec<GroupRow>) -> QueryResult<Vec<Self>> {
        let ids: Vec<Uuid> = groups.iter().map(|group| group.id).collect();
        let rows: Vec<OptionRow> = menu_options::table
            .filter(menu_options::group_id.eq_any(ids).and(menu_options::archived_at.is_null()))
            .order((menu_options::group_id, menu_options::position))
            .select(OptionRow::as_select())
            .load(connection)
            .rows("option_group.options")
            .await?;
        let mut options: HashMap<Uuid, Vec<OptionRow>> = HashMap::new();
        for row in rows {
            options.entry(row.group_id).or_default().push(row);
        }
        let with_options = |group: GroupRow| Self { options: options.remove(&group.id).unwrap_or_default(), group };
        Ok(groups.into_iter().map(with_options).collect())
    }
}

/// How the row of a group is locked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum GroupLock {
    None,
    /// The group is about to be changed.
    ToChange,
    /// The group is about to be offered, and must stay as it is until it is.
    ToOffer,
}

/// The groups among these that are not archived, by id.
pub(super) async fn read_groups(
    connection: &mut AsyncPgConnection,
    ids: &[Uuid],
    lock: GroupLock,
) -> QueryResult<Vec<GroupWithOptions>> {
    let rows = option_groups::table
        .filter(option_groups::id.eq_any(ids).and(option_groups::archived_at.is_null()))
        .order(option_groups::id)
        .select(GroupRow::as_select());
    let groups = match lock {
        GroupLock::None => rows.load(connection).rows("option_group.find").await?,
        GroupLock::ToChange => rows.for_no_key_update().load(connection).rows("option_group.lock").await?,
        GroupLock::ToOffer => rows.for_share().load(connection).rows("option_group.lock_to_offer").await?,
    };
    GroupWithOptions::of(connection, groups).await
}

#[cfg(test)]
mod tests {
    use comanda_domain::Allergen;

    use super::*;

    /// As it stands in the database. Whoever changes this text locks out the servers of the release before.
    const KEPT: &str = r#"{"group":{"id":"00000000-0000-0000-0000-000000000001","created_at":"2026-12-04T12:00:00Z",
        "updated_at":"2026-12-04T12:00:01.500Z","revision":2,"name":"Extras"},
        "options":[{"id":"00000000-0000-0000-0000-000000000002","group_id":"00000000-0000-0000-0000-000000000001",
        "price":250,"position":0,"supply_id":"00000000-0000-0000-0000-000000000003","supply_amount":-5,
        "name":"no cheese","allergens":["milk"]}]}"#;

    #[test]
    fn an_outcome_that_was_kept_is_read() {
        let group = serde_json::from_str::<GroupWithOptions>(KEPT).unwrap().into_group(Currency::EUR).unwrap();
        assert_eq!((group.name.as_str(), group.revision), ("Extras", 2));
        let details = &group.options[0].details;
        assert_eq!((details.price.money().amount(), details.allergens.as_slice()), (250, &[Allergen::Milk][..]));
        assert_eq!(details.supply.map(|supply| supply.amount.get()), Some(-5));
    }
}
