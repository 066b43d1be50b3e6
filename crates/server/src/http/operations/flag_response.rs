use comanda_domain::{FeatureFlag, Percentage};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::wire::names;

#[derive(Serialize, ToSchema)]
#[schema(as = FeatureFlag)]
pub struct FlagResponse {
    #[schema(value_type = names::FlagName)]
    name: &'static str,
    /// The share of subjects it is on for.
    #[schema(minimum = 0, maximum = 100)]
    percentage: u8,
}

impl FlagResponse {
    pub fn new(flag: FeatureFlag, percentage: Percentage) -> Self {
        Self { name: flag.as_str(), percentage: percentage.get() }
    }
}
