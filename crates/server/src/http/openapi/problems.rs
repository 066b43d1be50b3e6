//! A schema for each problem code: a client that has looked at `code` knows what else there is.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{AllOfBuilder, ObjectBuilder, OneOfBuilder, Ref, RefOr, Schema},
};

use super::text;
use crate::http::{
    problem::{Code, ProblemDocument},
    validation::{Violation, ViolationCode},
};

/// What problems with this code always have besides what all have, each with an example.
pub(in crate::http) fn members(code: Code) -> Vec<(&'static str, Value)> {
    let id = "0194c6a0-0000-7000-8000-000000000001";
    let error = |pointer: &str, code: ViolationCode, detail: &str| {
        let violation = Violation { pointer: pointer.to_owned(), code, detail: detail.to_owned() };
        vec![("errors", json!([violation]))]
    };
    match code {
        Code::ValidationFailed => error("/items/0/quantity", ViolationCode::OutOfRange, "must be between 1 and 100"),
        Code::UnknownItem => error("/items/0/menu_item_id", ViolationCode::UnknownItem, "is not on the menu"),
        Code::InvalidSelection => error("/items/0", ViolationCode::TooFew, "needs one of these more"),
        Code::CategoryTaken => error("/categories/0", ViolationCode::Taken, "goes to another station"),
        Code::InsufficientStock => {
            vec![("items", json!([{ "menu_item_id": id, "requested": 2, "available": 1 }])), ("supplies", json!([]))]
        }
        Code::InUse => vec![("used_by", json!([{ "kind": "menu_item", "id": id, "name": "Burrito" }]))],
        Code::UnreadableRecord => vec![("record", json!({ "table": "users", "id": id, "column": "role" }))],
        Code::Unavailable => vec![("operation", json!("order.create"))],
        _ => Vec::new(),
    }
}

/// The schema of all problems, and one for each of these codes.
pub(super) fn problems(codes: &BTreeSet<Code>) -> Vec<(String, RefOr<Schema>)> {
    let mut schemas = vec![(ProblemDocument::name().into_owned(), ProblemDocument::schema())];
    ProblemDocument::schemas(&mut schemas);
    schemas.extend(codes.iter().map(|code| (name_of(*code), schema(*code))));
    schemas
}

/// A problem with one of these codes.
pub(super) fn schema_of(codes: &[Code]) -> RefOr<Schema> {
    let reference = |code: &Code| Ref::from_schema_name(name_of(*code));
    match codes {
        [code] => reference(code).into(),
        codes => codes.iter().fold(OneOfBuilder::new(), |one, code| one.item(reference(code))).into(),
    }
}

fn name_of(code: Code) -> String {
    format!("{code:?}Problem")
}

fn schema(code: Code) -> RefOr<Schema> {
    let RefOr::T(Schema::Object(all)) = ProblemDocument::schema() else { return Schema::default().into() };
    let own = ObjectBuilder::new().property("code", text().enum_values(Some([code.as_str()]))).required("code");
    let own = members(code).into_iter().fold(own, |own, (name, _)| match all.properties.get(name) {
        Some(schema) => own.property(name, schema.clone()).required(name),
        None => own,
    });
    AllOfBuilder::new()
        .item(Ref::from_schema_name(ProblemDocument::name()))
        .item(own)
        .description(Some(format!("{}. {}", code.title(), code.meaning())))
        .examples([example(code)])
        .into()
}

fn example(code: Code) -> Value {
    let mut example = Map::new();
    example.insert("type".to_owned(), format!("/problems/{}", code.as_str()).into());
    example.insert("title".to_owned(), code.title().into());
    example.insert("status".to_owned(), code.status().as_u16().into());
    example.insert("detail".to_owned(), format!("{}.", code.title()).into());
    example.insert("instance".to_owned(), "0194c6a0-0000-7000-8000-0000000000ff".into());
    example.insert("code".to_owned(), code.as_str().into());
    example.extend(members(code).into_iter().map(|(name, value)| (name.to_owned(), value)));
    Value::Object(example)
}
