//! Rows that no domain value can be made of.

use comanda_domain::ports::Unavailable;
use thiserror::Error;
use uuid::Uuid;

/// Somebody wrote to the table past the domain's rules.
#[derive(Debug, Error)]
#[error("table {table}, row {row}, column {column}: {source}")]
pub(crate) struct InconsistentRow {
    pub(crate) table: &'static str,
    pub(crate) column: &'static str,
    pub(crate) row: Uuid,
    pub(crate) source: Box<dyn std::error::Error + Send + Sync>,
}

impl From<InconsistentRow> for Unavailable {
    fn from(error: InconsistentRow) -> Self {
        Self::new(error)
    }
}

/// Where a column's value comes from, for the message in case it makes no sense.
#[derive(Clone, Copy)]
pub(crate) struct RowOf {
    pub(crate) table: &'static str,
    pub(crate) id: Uuid,
}

impl RowOf {
    /// Names the column in which a value made no sense.
    pub(crate) fn read<T, E>(self, column: &'static str, value: Result<T, E>) -> Result<T, InconsistentRow>
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        value.map_err(|source| InconsistentRow { table: self.table, column, row: self.id, source: source.into() })
    }
}
