//! What a report reads besides the summaries.

/// A report of a period that begins with what is not summarized yet (`not_summarized.sql`), bound to the place up to
/// which the summaries go, and to the period.
macro_rules! besides_summaries {
    ($report:literal, $summarized:expr, $from:expr, $to:expr) => {
        diesel::sql_query(concat!(include_str!("not_summarized.sql"), include_str!($report)))
            .bind::<diesel::sql_types::BigInt, _>($summarized.transaction_id)
            .bind::<diesel::sql_types::BigInt, _>($summarized.event_id)
            .bind::<diesel::sql_types::BigInt, _>($summarized.begun_before)
            .bind::<diesel::sql_types::BigInt, _>($summarized.after_event)
            .bind::<diesel::sql_types::BigInt, _>($summarized.last_event)
            .bind::<diesel::sql_types::Timestamptz, _>($from)
            .bind::<diesel::sql_types::Timestamptz, _>($to)
    };
}

pub(super) use besides_summaries;
