use std::collections::HashMap;

use comanda_domain::{
    MenuItemId, PageLimit, Period, StaffMember,
    ports::{SoldOption, TopItem, Unavailable},
};

use super::Sales;

/// A menu item that sold well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportedItem {
    pub item: TopItem,
    /// What was chosen with it, the best first; `None` if nobody asked.
    pub options: Option<Vec<SoldOption>>,
}

impl Sales {
    /// Reports the menu items that sold best in a period, the best first.
    pub async fn top_items(
        &self,
        _by: StaffMember,
        period: Period,
        limit: PageLimit,
        with_options: bool,
    ) -> Result<Vec<ReportedItem>, Unavailable> {
        let items = self.figures.top_items(period, limit).await?;
        let mut sold = match with_options && !items.is_empty() {
            true => {
                let ids: Vec<MenuItemId> = items.iter().map(|item| item.menu_item_id).collect();
                self.figures.sold_options(period, &ids).await?
            }
            false => HashMap::new(),
        };
        let reported = |item: TopItem| {
            let options = with_options.then(|| sold.remove(&item.menu_item_id).unwrap_or_default());
            ReportedItem { item, options }
        };
        Ok(items.into_iter().map(reported).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::TimeDelta;
    use comanda_domain::{
        Currency, MenuItemName, Money, OptionGroupName, OptionId, OptionName, ports::MockSalesFigures,
    };
    use uuid::Uuid;

    use super::*;
    use crate::sample;

    #[tokio::test]
    async fn options_are_looked_up_only_if_somebody_asks() {
        let revenue = Money::new(900, Currency::EUR);
        let item = move |n| {
            let (menu_item_id, name) = (MenuItemId::new(Uuid::from_u128(n)), MenuItemName::stored("Burrito"));
            TopItem { menu_item_id, name, quantity: 1, revenue }
        };
        let option = SoldOption {
            option_id: OptionId::new(Uuid::from_u128(9)),
            group: OptionGroupName::stored("Extras"),
            name: OptionName::stored("Guacamole"),
            quantity: 2,
            revenue,
        };
        let sold = HashMap::from([(item(1).menu_item_id, vec![option.clone()])]);
        let mut figures = MockSalesFigures::new();
        figures.expect_top_items().times(2).returning(move |_, _| Ok(vec![item(1), item(2)]));
        figures.expect_sold_options().once().withf(|_, items| items.len() == 2).returning(move |_, _| Ok(sold.clone()));
        let sales = Sales { figures: Arc::new(figures), ..sample::sales() };
        let period = Period::new(sample::now(), sample::now() + TimeDelta::hours(1)).unwrap();
        let report = async |with| {
            let items = sales.top_items(sample::staff(), period, PageLimit::default(), with).await.unwrap();
            items.into_iter().map(|reported| reported.options).collect::<Vec<_>>()
        };
        assert_eq!(report(false).await, [None, None]);
        assert_eq!(report(true).await, [Some(vec![option]), Some(Vec::new())]);
    }
}
