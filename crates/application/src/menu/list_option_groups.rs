use comanda_domain::{
    Actor, OptionGroup, OptionGroupPosition, Page, PageLimit,
    ports::{OptionGroupsQuery, Unavailable},
};

use super::Menu;

impl Menu {
    /// Lists option groups a page at a time.
    pub async fn list_option_groups(
        &self,
        reader: Option<Actor>,
        after: Option<OptionGroupPosition>,
        limit: PageLimit,
    ) -> Result<Page<OptionGroup, OptionGroupPosition>, Unavailable> {
        let page = self.option_group_list.groups(OptionGroupsQuery { after, limit }).await?;
        // Guests can do nothing about what is left out.
        let is_staff = reader.is_some_and(|actor| actor.role.is_staff());
        let unreadable = if is_staff { page.unreadable } else { Vec::new() };
        Ok(Page { unreadable, ..page })
    }
}
