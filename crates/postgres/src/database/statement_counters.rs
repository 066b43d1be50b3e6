//! Counters of statements, from nothing.

use metrics::counter;

use super::failure_class::CLASSES;

/// Of every statement there is; collected by `build.rs`.
const NAMES: &[&str] = include!(concat!(env!("OUT_DIR"), "/statement_names.rs"));

/// An alert goes by the increase of a counter, which the first increment of a new one is not.
pub(super) fn register() {
    for name in NAMES.iter().copied() {
        counter!("comanda_statement_rows_total", "db_query_summary" => name).increment(0);
        for error_type in CLASSES {
            let labels = [("db_query_summary", name), ("error_type", error_type)];
            counter!("comanda_statement_errors_total", &labels).increment(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::NAMES;

    #[test]
    fn the_names_of_all_kinds_of_statements_are_known() {
        for name in ["order.place.commit", "menu.list", "outbox.advance", "session.delete_closed"] {
            assert!(NAMES.contains(&name), "{name}");
        }
        assert!(NAMES.iter().all(|name| name.contains('.')), "{NAMES:?}");
    }
}
