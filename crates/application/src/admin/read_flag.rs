use std::sync::Arc;

use comanda_domain::{
    account::Administrator,
    feature_flag::{FeatureFlag, FlagDefaults, Percentage},
    ports::{FlagSettings, Unavailable},
};

/// Shows what a feature flag is at.
pub struct ReadFlag {
    settings: Arc<dyn FlagSettings>,
    defaults: FlagDefaults,
}

impl ReadFlag {
    pub fn new(settings: Arc<dyn FlagSettings>, defaults: FlagDefaults) -> Self {
        Self { settings, defaults }
    }

    pub async fn execute(&self, _by: Administrator, flag: FeatureFlag) -> Result<Percentage, Unavailable> {
        let set = self.settings.all().await?.into_iter().find(|(set, _)| *set == flag);
        Ok(set.map_or(self.defaults.of(flag), |(_, percentage)| percentage))
    }
}

#[cfg(test)]
mod tests {
    use comanda_domain::ports::MockFlagSettings;

    use super::*;
    use crate::sample;

    #[tokio::test]
    async fn what_nobody_has_set_is_at_its_default() {
        let percentage = |n| Percentage::new(n).unwrap();
        let mut settings = MockFlagSettings::new();
        settings.expect_all().returning(move || Ok(vec![(FeatureFlag::PartialInvalidation, percentage(30))]));
        let defaults = FlagDefaults { menu_cache: percentage(100), partial_invalidation: percentage(0) };
        let read = ReadFlag::new(Arc::new(settings), defaults);
        for (flag, expected) in [(FeatureFlag::MenuCache, 100), (FeatureFlag::PartialInvalidation, 30)] {
            assert_eq!(read.execute(sample::admin(), flag).await.unwrap().get(), expected);
        }
    }
}
