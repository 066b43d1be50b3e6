use comanda_domain::{Administrator, FeatureFlag, Percentage, ports::Unavailable};

use super::Operations;

impl Operations {
    /// Sets a feature flag. Every server goes by it within seconds.
    pub async fn set_flag(
        &self,
        by: Administrator,
        flag: FeatureFlag,
        percentage: Percentage,
    ) -> Result<(), Unavailable> {
        self.flag_settings.set(flag, percentage, by, self.clock.now()).await
    }
}
