use comanda_domain::{Administrator, FeatureFlag, Percentage, ports::Unavailable};

use super::Operations;

impl Operations {
    /// Reads the percentage of a feature flag.
    pub async fn read_flag(&self, _by: Administrator, flag: FeatureFlag) -> Result<Percentage, Unavailable> {
        let set = self.flag_settings.all().await?.into_iter().find(|(set, _)| *set == flag);
        Ok(set.map_or(self.flag_defaults.of(flag), |(_, percentage)| percentage))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use comanda_domain::{FlagDefaults, ports::MockFlagSettings};

    use super::*;
    use crate::sample;

    #[tokio::test]
    async fn what_nobody_has_set_is_at_its_default() {
        let percentage = |n| Percentage::new(n).unwrap();
        let mut settings = MockFlagSettings::new();
        settings.expect_all().returning(move || Ok(vec![(FeatureFlag::PartialInvalidation, percentage(30))]));
        let defaults = FlagDefaults { menu_cache: percentage(100), partial_invalidation: percentage(0) };
        let operations =
            Operations { flag_settings: Arc::new(settings), flag_defaults: defaults, ..sample::operations() };
        for (flag, expected) in [(FeatureFlag::MenuCache, 100), (FeatureFlag::PartialInvalidation, 30)] {
            assert_eq!(operations.read_flag(sample::admin(), flag).await.unwrap().get(), expected);
        }
    }
}
