use thiserror::Error;

/// A stored record that holds a value which today's rules refuse, as another version of the program, or somebody by
/// hand, has written it. It is a fault of this one record: the store works, and trying again does not help.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the record {id} in {table} cannot be read, because of {column}: {why}")]
pub struct UnreadableRecord {
    /// Where it is stored.
    pub table: &'static str,
    /// Its id, or that of the record it belongs to.
    pub id: String,
    /// Which of its values is refused.
    pub column: &'static str,
    /// What is wrong with the value, without the value itself.
    pub why: String,
}

/// A record, or why it cannot be read. In a list, one that cannot does not hide the others.
pub type Readable<T> = Result<T, UnreadableRecord>;
