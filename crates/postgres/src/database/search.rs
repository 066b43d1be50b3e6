//! Searching for names.

use diesel::{
    define_sql_function,
    dsl::sql,
    expression::{BoxableExpression, SqlLiteral},
    pg::Pg,
    prelude::*,
    sql_types::{Bool, Text},
};

define_sql_function! {
    /// How a text is searched: without case and accents (see the migration of this name).
    fn folded_for_search(text: Text) -> Text;
}

/// A shorter text is much like any word that has its letters, and no index finds it.
const SHORTEST_MISTYPED: usize = 3;

/// Whether the column `name` of a row holds the text, or a word much like it. Both are compared without case and
/// accents, and by an index (`menu_items_by_folded_name`, `supplies_by_folded_name`).
///
/// The second condition forgives typing mistakes: the similarity, from 0 to 1, of the text and those words of the name
/// that are most similar to it (<https://www.postgresql.org/docs/current/pgtrgm.html>). Its threshold is a setting; the
/// subquery sets it for this statement's transaction before any row is read, as nothing in it depends on a row.
pub(crate) fn name_matches<T: 'static>(text: &str) -> Box<dyn BoxableExpression<T, Pg, SqlType = Bool>> {
    // The reader typed a text, not a pattern.
    let holds = sql::<Bool>("folded_for_search(name) LIKE '%' || replace(replace(replace(folded_for_search(")
        .bind::<Text, _>(text.to_owned())
        .sql("), '\\', '\\\\'), '%', '\\%'), '_', '\\_') || '%'");
    if text.chars().count() < SHORTEST_MISTYPED {
        return Box::new(holds);
    }
    let is_like =
        sql::<Bool>("folded_for_search(").bind::<Text, _>(text.to_owned()).sql(") <% folded_for_search(name)");
    let forgives: SqlLiteral<Bool> =
        sql("(SELECT set_config('pg_trgm.word_similarity_threshold', '0.45', true)) IS NOT NULL");
    Box::new(forgives.and(holds.or(is_like)))
}
