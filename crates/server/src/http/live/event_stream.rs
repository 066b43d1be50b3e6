use std::marker::PhantomData;

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ArrayBuilder, ObjectBuilder, OneOfBuilder, Ref, RefOr, Schema},
};

use super::frame::{Change, NO_DATA, RESET, SNAPSHOT};
use crate::http::openapi::text;

/// A stream in the document: what it shows first, and what it sends when that has changed.
///
/// It stays a text, which is what generated clients make of a stream. Only what is in the text has a schema.
pub struct EventStream<Shown, Changed>(PhantomData<(Shown, Changed)>);

impl<Shown: ToSchema, Changed: Change> PartialSchema for EventStream<Shown, Changed> {
    fn schema() -> RefOr<Schema> {
        let json = |name: &str| {
            let schema = Ref::from_schema_name(name);
            text().content_media_type("application/json").content_schema(Some(schema))
        };
        let event = |name: &str, data: ObjectBuilder| {
            let event = ObjectBuilder::new().property("event", text().enum_values(Some([name])));
            event.required("event").property("data", data).required("data")
        };
        let events = OneOfBuilder::new()
            .item(event(SNAPSHOT, json(&Shown::name())))
            .item(event(Changed::EVENT, json(&Changed::name())))
            .item(event(RESET, text().enum_values(Some([NO_DATA]))));
        let events = ArrayBuilder::new().items(events);
        text().content_media_type("text/event-stream").content_schema(Some(events)).into()
    }
}

impl<Shown: ToSchema, Changed: Change> ToSchema for EventStream<Shown, Changed> {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((Shown::name().into_owned(), Shown::schema()));
        schemas.push((Changed::name().into_owned(), Changed::schema()));
        Shown::schemas(schemas);
        Changed::schemas(schemas);
    }
}
