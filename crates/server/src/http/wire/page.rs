use comanda_domain::page::PageLimit;
use serde::{Deserialize, de::DeserializeOwned};
use utoipa::{IntoParams, ToSchema};

use crate::http::{cursor::CursorSigner, faults::Faults, problem::Problem};

/// Which page of a list.
#[derive(Default, Deserialize, IntoParams, ToSchema)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// The most entries to answer with; 20 unless given.
    #[param(minimum = 1, maximum = 100, default = 20)]
    pub limit: Option<i64>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

impl PageQuery {
    pub fn limit(&self, faults: &mut Faults) -> Option<PageLimit> {
        faults.check("/limit", self.limit.map_or(Ok(PageLimit::default()), PageLimit::new))
    }

    /// Where the page before ended.
    pub fn after<P: DeserializeOwned>(&self, list: &str, cursors: &CursorSigner) -> Result<Option<P>, Problem> {
        self.cursor.as_deref().map(|cursor| cursors.read(list, cursor)).transpose()
    }
}
