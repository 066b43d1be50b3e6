use comanda_domain::{OptionGroup, OptionGroupId, ports::Unavailable};

use super::Menu;

impl Menu {
    /// Finds one option group, as it is at this moment.
    pub async fn find_option_group(&self, id: OptionGroupId) -> Result<Option<OptionGroup>, Unavailable> {
        self.option_group_list.group(id).await
    }
}
