use diesel::result::{DatabaseErrorKind, Error};

/// Whether a statement failed because its category has a menu item of that name.
pub(super) fn is_name_taken(error: &Error) -> bool {
    const INDEX: &str = "menu_item_names";
    matches!(
        error,
        Error::DatabaseError(DatabaseErrorKind::UniqueViolation, what) if what.constraint_name() == Some(INDEX)
    )
}
