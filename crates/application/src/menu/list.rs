use comanda_domain::{
    Actor, Category, MenuItem, MenuPosition, Page, PageLimit,
    ports::{MenuItemsQuery, Unavailable},
};

use super::Menu;

impl Menu {
    /// Lists menu items a page at a time. Only staff see those that are switched off.
    pub async fn list(
        &self,
        reader: Option<Actor>,
        category: Option<Category>,
        name_like: Option<String>,
        after: Option<MenuPosition>,
        limit: PageLimit,
    ) -> Result<Page<MenuItem, MenuPosition>, Unavailable> {
        let include_inactive = reader.is_some_and(|actor| actor.role.is_staff());
        let page = self.live_menu.items(MenuItemsQuery { include_inactive, category, name_like, after, limit }).await?;
        // Guests can do nothing about what is left out.
        let unreadable = if include_inactive { page.unreadable } else { Vec::new() };
        Ok(Page { unreadable, ..page })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use comanda_domain::{Role, ports::MockLiveMenu};

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
            let mut stored = MockLiveMenu::new();
            stored
                .expect_items()
                .once()
                .withf(move |query| query.include_inactive == expected)
                .returning(|_| Ok(Page { entries: vec![], next: None, unreadable: vec![] }));
            let menu = Menu { live_menu: Arc::new(stored), ..sample::menu() };
            menu.list(reader, None, None, None, PageLimit::default()).await.unwrap();
        }
    }
}
