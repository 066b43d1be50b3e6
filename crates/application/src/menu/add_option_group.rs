use comanda_domain::{
    MenuOption, NewOptionGroup, OptionGroup, OptionGroupId, OptionGroupName, OptionId, StaffMember, WrittenOptions,
    ports::{AddOptionGroupError, Idempotent},
};

use super::Menu;
use crate::IdempotentRequest;

impl Menu {
    /// Adds an option group, which menu items can offer from then on. All of its options are new.
    pub async fn add_option_group(
        &self,
        by: StaffMember,
        name: OptionGroupName,
        options: WrittenOptions,
        request: Option<IdempotentRequest>,
    ) -> Result<Idempotent<OptionGroup>, AddOptionGroupError> {
        let added = options
            .as_slice()
            .iter()
            .map(|option| MenuOption { id: OptionId::new(self.ids.generate()), details: option.details.clone() });
        let options = added.collect();
        let (id, added_at) = (OptionGroupId::new(self.ids.generate()), self.clock.now());
        let idempotency = request.map(|request| request.by(by.account_id()));
        self.option_groups.add(NewOptionGroup { id, name, options, added_at }, by.account_id(), idempotency).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use comanda_domain::ports::MockOptionGroups;

    use super::*;
    use crate::sample;

    #[tokio::test]
    async fn every_option_gets_an_id_of_its_own() {
        let mut stored = MockOptionGroups::new();
        stored
            .expect_add()
            .once()
            .withf(|group, by, _| {
                let ids = [group.options[0].id.as_uuid(), group.options[1].id.as_uuid(), group.id.as_uuid()];
                ids[0] != ids[1] && ids[1] != ids[2] && *by == sample::staff().account_id()
            })
            .returning(|_, _, _| Ok(Idempotent { outcome: sample::option_group(), replayed: false }));
        let menu = Menu { option_groups: Arc::new(stored), ..sample::menu() };
        let name = sample::option_group().name;
        assert!(menu.add_option_group(sample::staff(), name, sample::written_options(), None).await.is_ok());
    }
}
