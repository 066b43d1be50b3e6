use comanda_domain::{OptionGroupId, StaffMember, ports::ArchiveOptionGroupError};

use super::Menu;

impl Menu {
    /// Puts an option group that no menu item offers away for good. `revision` is the one the editor has seen.
    pub async fn archive_option_group(
        &self,
        by: StaffMember,
        id: OptionGroupId,
        revision: u32,
    ) -> Result<(), ArchiveOptionGroupError> {
        self.option_groups.archive(id, revision, by.account_id(), self.clock.now()).await
    }
}
