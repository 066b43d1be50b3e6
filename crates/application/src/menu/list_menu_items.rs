use std::sync::Arc;

use comanda_domain::{
    account::Actor,
    menu_item::MenuItem,
    page::{MenuPosition, Page, PageLimit},
    ports::{Menu, MenuItemsQuery, Unavailable},
    text::Category,
};

/// Lists menu items a page at a time.
pub struct ListMenuItems {
    menu: Arc<dyn Menu>,
}

impl ListMenuItems {
    pub fn new(menu: Arc<dyn Menu>) -> Self {
        Self { menu }
    }

    /// Staff also see menu items that are switched off.
    pub async fn execute(
        &self,
        reader: Option<Actor>,
        category: Option<Category>,
        name_like: Option<String>,
        after: Option<MenuPosition>,
        limit: PageLimit,
    ) -> Result<Page<MenuItem>, Unavailable> {
        let include_inactive = reader.is_some_and(|actor| actor.role.is_staff());
        self.menu.items(MenuItemsQuery { include_inactive, category, name_like, after, limit }).await
    }
}

#[cfg(test)]
mod tests {
    use comanda_domain::{account::Role, ports::MockMenu};

    use super::*;
    use crate::sample;

    #[tokio::test]
    async fn only_staff_see_what_is_switched_off() {
        for (reader, expected) in [
            (None, false),
            (Some(sample::actor(Role::Customer)), false),
            (Some(sample::actor(Role::Staff)), true),
            (Some(sample::actor(Role::Admin)), true),
        ] {
            let mut menu = MockMenu::new();
            menu.expect_items()
                .once()
                .withf(move |query| query.include_inactive == expected)
                .returning(|_| Ok(Page { entries: vec![], has_more: false }));
            let list = ListMenuItems::new(Arc::new(menu));
            list.execute(reader, None, None, None, PageLimit::default()).await.unwrap();
        }
    }
}
