//! Generates the client from `openapi.json`.

use std::{env, fs, path::Path};

use progenitor::{GenerationSettings, Generator, InterfaceStyle};
use serde_json::{Map, Value, json};

/// Where the schema of a body is.
const JSON: &str = "/content/application~1json/schema";

fn main() -> anyhow::Result<()> {
    let document = concat!(env!("CARGO_MANIFEST_DIR"), "/../../openapi.json");
    println!("cargo::rerun-if-changed={document}");
    let mut document: Value = serde_json::from_str(&fs::read_to_string(document)?)?;
    convert_to_3_0(&mut document);
    let document = serde_json::from_value(document)?;

    let mut settings = GenerationSettings::new();
    settings.with_interface(InterfaceStyle::Builder);
    let tokens = Generator::new(&settings).generate_tokens(&document)?;
    let code = prettyplease::unparse(&syn::parse2(tokens)?);
    Ok(fs::write(Path::new(&env::var("OUT_DIR")?).join("client.rs"), code)?)
}

/// progenitor reads OpenAPI 3.0, takes JSON by one name only, and wants one type for all that goes wrong with a
/// request. What 3.1 writes in another way, as far as Comanda's document goes, is that a value may be null. The pages
/// for people, which are HTML, are left out.
fn convert_to_3_0(document: &mut Value) {
    document["openapi"] = json!("3.0.3");
    if let Some(paths) = document["paths"].as_object_mut() {
        paths.retain(|path, _| path.starts_with("/v1/"));
    }
    if let Some(schemas) = document["components"]["schemas"].as_object_mut() {
        schemas.retain(|name, _| name == "Problem" || !name.ends_with("Problem"));
    }
    convert(document);
}

fn convert(value: &mut Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(convert),
        Value::Object(members) => {
            members.values_mut().for_each(convert);
            convert_null(members);
            if members.remove("application/problem+json").is_some() {
                let problem = json!({ "schema": { "$ref": "#/components/schemas/Problem" } });
                members.insert("application/json".to_owned(), problem);
            }
            // What can be left out of a request is not null.
            if members.contains_key("in")
                && let Some(schema) = members.get_mut("schema")
            {
                remove_null(schema);
            }
            if let Some(schema) = members.get_mut("requestBody").and_then(|body| body.pointer_mut(JSON)) {
                remove_null(schema);
            }
        }
        _ => {}
    }
}

/// `{"type": ["string", "null"]}` and `{"oneOf": [{"$ref": …}, {"type": "null"}]}`. A list is never null, but left
/// out.
fn convert_null(schema: &mut Map<String, Value>) {
    let null = json!("null");
    if let Some(Value::Array(types)) = schema.get("type").cloned()
        && let [kind, second] = &types[..]
        && *second == null
    {
        schema.extend([("type".to_owned(), kind.clone()), ("nullable".to_owned(), json!(kind != "array"))]);
    }
    if let Some(Value::Array(choices)) = schema.get("oneOf").cloned()
        && let [choice, second] = &choices[..]
        && second["type"] == null
    {
        schema.remove("oneOf");
        schema.extend([("allOf".to_owned(), json!([choice])), ("nullable".to_owned(), json!(true))]);
    }
}

fn remove_null(schema: &mut Value) {
    if let Some(schema) = schema.as_object_mut() {
        schema.remove("nullable");
    }
}
