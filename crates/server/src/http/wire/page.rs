use comanda_domain::page::PageLimit;
use serde::{Deserialize, de::DeserializeOwned};
use utoipa::IntoParams;

use super::QueryInteger;
use crate::http::{extract::CursorSigner, problem::Problem, validation::Violations};

/// Which page of a list.
#[derive(Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// The most entries to answer with; 20 unless given.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 100, default = 20)]
    pub limit: Option<QueryInteger>,
    /// `next_cursor` of the page before.
    #[param(min_length = 1)]
    pub cursor: Option<String>,
}

impl PageQuery {
    pub fn limit(&self, violations: &mut Violations) -> Option<PageLimit> {
        violations.check("/limit", self.limit.map_or(Ok(PageLimit::default()), |limit| PageLimit::new(limit.0)))
    }

    /// Where the page before ended.
    pub fn after<P: DeserializeOwned>(&self, list: &str, cursors: &CursorSigner) -> Result<Option<P>, Problem> {
        self.cursor.as_deref().map(|cursor| cursors.read(list, cursor)).transpose()
    }
}
