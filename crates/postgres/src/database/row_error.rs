//! Rows that do not hold a valid domain value.

use comanda_domain::ports::Unavailable;
use thiserror::Error;
use uuid::Uuid;

/// A row that some other program wrote, against the domain's rules.
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

/// The row that a column's value comes from, for the error message if the value is malformed.
#[derive(Clone, Copy)]
pub(crate) struct RowOf {
    pub(crate) table: &'static str,
    pub(crate) id: Uuid,
}

impl RowOf {
    /// Adds table, row and column to the error.
    pub(crate) fn read<T, E>(self, column: &'static str, value: Result<T, E>) -> Result<T, InconsistentRow>
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        value.map_err(|source| InconsistentRow { table: self.table, column, row: self.id, source: source.into() })
    }
}
