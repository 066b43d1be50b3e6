//! Whether a value is what a schema of the document says.

use serde_json::Value;

use crate::openapi::Document;

/// What does not fit. It knows what the schemas of responses use; other tools check the rest of JSON Schema.
pub(super) fn misfits(document: &Document, schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    look(document, schema, value, "", &mut found);
    found
}

fn look(document: &Document, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        return look(document, document.pointed_at(reference), value, at, found);
    }
    let alternatives = |name: &str| schema[name].as_array().into_iter().flatten();
    for part in alternatives("allOf") {
        look(document, part, value, at, found);
    }
    let fitting = |name| alternatives(name).filter(|schema| misfits(document, schema, value).is_empty()).count();
    if schema["oneOf"].is_array() && fitting("oneOf") != 1 {
        found.push(format!("{at}: {} alternatives fit", fitting("oneOf")));
    }
    if schema["anyOf"].is_array() && fitting("anyOf") == 0 {
        found.push(format!("{at}: no alternative fits"));
    }
    let types: Vec<&str> =
        schema["type"].as_array().into_iter().flatten().chain([&schema["type"]]).filter_map(Value::as_str).collect();
    if !types.is_empty() && !types.iter().any(|name| is_a(value, name)) {
        found.push(format!("{at}: {value} is no {types:?}"));
    }
    if let Some(values) = schema["enum"].as_array()
        && !values.contains(value)
        && !value.is_null()
    {
        found.push(format!("{at}: {value} is none of {values:?}"));
    }
    match value {
        Value::Object(members) => {
            for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                if !members.contains_key(name) {
                    found.push(format!("{at}: there is no {name}"));
                }
            }
            // A field that the document does not know is one that it should.
            let known = schema["properties"].as_object();
            for (name, member) in members {
                match known.and_then(|known| known.get(name)) {
                    Some(schema) => look(document, schema, member, &format!("{at}/{name}"), found),
                    None if known.is_some() => found.push(format!("{at}: {name} is not in the document")),
                    None => {}
                }
            }
        }
        Value::Array(entries) => {
            for (position, entry) in entries.iter().enumerate() {
                look(document, &schema["items"], entry, &format!("{at}/{position}"), found);
            }
        }
        Value::String(text) if schema["format"] == "uuid" && text.parse::<uuid::Uuid>().is_err() => {
            found.push(format!("{at}: {text:?} is no UUID"));
        }
        Value::String(text)
            if schema["format"] == "date-time" && chrono::DateTime::parse_from_rfc3339(text).is_err() =>
        {
            found.push(format!("{at}: {text:?} is no time"));
        }
        Value::Number(number) => {
            let number = number.as_f64().unwrap();
            let below = schema["minimum"].as_f64().is_some_and(|minimum| number < minimum);
            if below || schema["maximum"].as_f64().is_some_and(|maximum| number > maximum) {
                found.push(format!("{at}: {number} is out of range"));
            }
        }
        _ => {}
    }
}

fn is_a(value: &Value, name: &str) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        _ => false,
    }
}
