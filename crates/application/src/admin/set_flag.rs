use std::sync::Arc;

use comanda_domain::{
    account::Administrator,
    feature_flag::{FeatureFlag, Percentage},
    ports::{Clock, FlagSettings, Unavailable},
};

/// Sets a feature flag. Every server goes by it within seconds.
pub struct SetFlag {
    settings: Arc<dyn FlagSettings>,
    clock: Arc<dyn Clock>,
}

impl SetFlag {
    pub fn new(settings: Arc<dyn FlagSettings>, clock: Arc<dyn Clock>) -> Self {
        Self { settings, clock }
    }

    pub async fn execute(
        &self,
        by: Administrator,
        flag: FeatureFlag,
        percentage: Percentage,
    ) -> Result<(), Unavailable> {
        self.settings.set(flag, percentage, by, self.clock.now()).await
    }
}

#[cfg(test)]
mod tests {
    use comanda_domain::ports::MockFlagSettings;

    use super::*;
    use crate::sample;

    #[tokio::test]
    async fn it_is_known_who_set_it_and_when() {
        let mut settings = MockFlagSettings::new();
        settings
            .expect_set()
            .once()
            .withf(|flag, percentage, by, at| {
                *flag == FeatureFlag::MenuCache
                    && *percentage == Percentage::ALL
                    && *by == sample::admin()
                    && *at == sample::now()
            })
            .returning(|_, _, _, _| Ok(()));
        let set = SetFlag::new(Arc::new(settings), sample::clock());
        assert!(set.execute(sample::admin(), FeatureFlag::MenuCache, Percentage::ALL).await.is_ok());
    }
}
