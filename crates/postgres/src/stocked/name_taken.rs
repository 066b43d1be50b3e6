use diesel::result::{DatabaseErrorKind, Error};

/// Whether a statement failed because its category has a menu item of that name, or because there is a supply of it.
pub(crate) fn is_name_taken(error: &Error) -> bool {
    const INDEXES: [&str; 2] = ["menu_item_names", "supply_names"];
    matches!(
        error,
        Error::DatabaseError(DatabaseErrorKind::UniqueViolation, what)
            if what.constraint_name().is_some_and(|name| INDEXES.contains(&name))
    )
}
