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
        self.flag_settings.set(flag, percentage, Some(by), self.clock.now()).await
    }

    /// The same for whoever holds the keys to the deployment, on the command line.
    pub async fn set_flag_as_operator(&self, flag: FeatureFlag, percentage: Percentage) -> Result<(), Unavailable> {
        self.flag_settings.set(flag, percentage, None, self.clock.now()).await
    }
}
