//! Statements written by hand that are prepared once per connection.
//!
//! Diesel never keeps an `sql_query` as a prepared statement, and parsing and planning it each time costs a busy shop
//! nine out of ten orders. It does keep a type with a static `QueryId`.

use diesel::{
    QueryResult,
    pg::Pg,
    query_builder::AstPass,
    sql_types::{Array, BigInt, Binary, Bool, Integer, Nullable, SmallInt, Text, Timestamptz, Uuid},
};

/// What `PostgreSQL` calls a type. Parameters are cast to their types: diesel sends those along with the text, but the
/// text must also state them itself, for when it is prepared without diesel in order to be explained.
pub(crate) trait TypeName {
    fn push(out: &mut AstPass<'_, '_, Pg>);
}

macro_rules! type_names {
    ($($sql:ty: $name:literal),+ $(,)?) => {
        $(impl TypeName for $sql {
            fn push(out: &mut AstPass<'_, '_, Pg>) {
                out.push_sql($name);
            }
        })+
    };
}

type_names! {
    BigInt: "bigint",
    Binary: "bytea",
    Bool: "boolean",
    Integer: "integer",
    SmallInt: "smallint",
    Text: "text",
    Timestamptz: "timestamptz",
    Uuid: "uuid",
}

impl<T: TypeName> TypeName for Array<T> {
    fn push(out: &mut AstPass<'_, '_, Pg>) {
        T::push(out);
        out.push_sql("[]");
    }
}

impl<T: TypeName + diesel::sql_types::SqlType<IsNull = diesel::sql_types::is_nullable::NotNull>> TypeName
    for Nullable<T>
{
    fn push(out: &mut AstPass<'_, '_, Pg>) {
        T::push(out);
    }
}

/// How many rows a statement wrote that counts them itself, and fails unless they are all that it was asked to write.
pub(crate) async fn written(count: impl Future<Output = QueryResult<i64>>) -> QueryResult<usize> {
    count.await.map(|rows| usize::try_from(rows).unwrap_or_default())
}

/// A statement whose text is `$before`, its parameters separated by commas, `$after`.
macro_rules! statement {
    (
        $(#[$doc:meta])*
        $name:ident { $($field:ident: $rust:ty as $sql:ty),+ $(,)? }
        returns $output:ty: $before:expr, $after:expr
    ) => {
        $(#[$doc])*
        pub(super) struct $name<'a> {
            $(pub(super) $field: $rust,)+
        }

        impl diesel::query_builder::QueryFragment<diesel::pg::Pg> for $name<'_> {
            fn walk_ast<'b>(
                &'b self,
                mut out: diesel::query_builder::AstPass<'_, 'b, diesel::pg::Pg>,
            ) -> diesel::QueryResult<()> {
                out.push_sql($before);
                let mut separator = "";
                $(
                    out.push_sql(separator);
                    out.push_bind_param::<$sql, _>(&self.$field)?;
                    out.push_sql("::");
                    <$sql as crate::database::TypeName>::push(&mut out);
                    separator = ", ";
                )+
                let _ = separator;
                #[cfg(feature = "planted")]
                let after = &crate::planted::unguarded(stringify!($name), $after);
                #[cfg(not(feature = "planted"))]
                let after = $after;
                out.push_sql(after);
                Ok(())
            }
        }

        impl diesel::query_builder::QueryId for $name<'_> {
            type QueryId = $name<'static>;
            const HAS_STATIC_QUERY_ID: bool = true;
        }

        impl diesel::query_builder::Query for $name<'_> {
            type SqlType = $output;
        }
    };
}

pub(crate) use statement;
