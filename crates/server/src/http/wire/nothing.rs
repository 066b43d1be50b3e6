use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The body of a request that has nothing to say.
#[derive(Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}
