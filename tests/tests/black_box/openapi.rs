//! The OpenAPI document as a source of requests.

use std::{collections::BTreeMap, fmt};

use comanda_tests::TestApp;
use reqwest::Method;
use serde_json::{Value, json};

/// The document that a server serves.
#[derive(Clone)]
pub(crate) struct Document(Value);

/// A method of a path.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub(crate) method: Method,
    pub(crate) path: String,
    /// What the document says of it.
    pub(crate) content: Value,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

impl Document {
    pub(crate) async fn of(app: &TestApp) -> Self {
        Self(app.anonymous().get("/openapi.json").await.expect(200))
    }

    pub(crate) fn operations(&self) -> Vec<Operation> {
        let paths = self.0["paths"].as_object().unwrap();
        let of_path = |path: &String, item: &Value| -> Vec<Operation> {
            let operations = item.as_object().unwrap().iter().map(|(method, content)| Operation {
                method: method.to_uppercase().parse().unwrap(),
                path: path.clone(),
                content: content.clone(),
            });
            operations.collect()
        };
        paths.iter().flat_map(|(path, item)| of_path(path, item)).collect()
    }

    /// Every path with its methods.
    pub(crate) fn paths(&self) -> BTreeMap<String, Vec<Method>> {
        let mut paths: BTreeMap<String, Vec<Method>> = BTreeMap::new();
        for operation in self.operations() {
            paths.entry(operation.path).or_default().push(operation.method);
        }
        paths
    }

    /// What a reference stands for, and of alternatives the one that is not null.
    pub(crate) fn resolved<'a>(&'a self, schema: &'a Value) -> &'a Value {
        if let Some(reference) = schema["$ref"].as_str() {
            return self.resolved(self.0.pointer(&reference[1..]).unwrap());
        }
        let alternatives = ["oneOf", "anyOf", "allOf"].iter().find_map(|name| schema[name].as_array());
        let alternatives = alternatives.into_iter().flatten();
        match alternatives.into_iter().find(|alternative| alternative["type"] != "null") {
            Some(alternative) => self.resolved(alternative),
            None => schema,
        }
    }

    /// What a reference stands for.
    pub(crate) fn pointed_at(&self, reference: &str) -> &Value {
        self.0.pointer(&reference[1..]).unwrap()
    }

    /// The examples of what an operation takes, by name.
    pub(crate) fn examples(operation: &Operation) -> Vec<(String, Value)> {
        let examples = operation.content["requestBody"]["content"]["application/json"]["examples"].as_object();
        examples.into_iter().flatten().map(|(name, example)| (name.clone(), example["value"].clone())).collect()
    }

    /// The schema of what an operation takes.
    pub(crate) fn body<'a>(&'a self, operation: &'a Operation) -> Option<&'a Value> {
        let schema = &operation.content["requestBody"]["content"]["application/json"]["schema"];
        (!schema.is_null()).then(|| self.resolved(schema))
    }

    /// A body with every field that an operation takes.
    pub(crate) fn example_body(&self, operation: &Operation) -> Option<Value> {
        Some(self.example(self.body(operation)?))
    }

    /// Whether a field of a body, or of an object within it, may be null.
    pub(crate) fn may_be_null(&self, operation: &Operation, pointer: &str) -> bool {
        let mut schema = self.body(operation).unwrap();
        for step in pointer.split('/').skip(1) {
            let of = self.resolved(schema);
            schema = if step.parse::<usize>().is_ok() { &of["items"] } else { &of["properties"][step] };
        }
        let alternatives = schema["oneOf"].as_array().into_iter().flatten();
        let types = alternatives.map(|alternative| &alternative["type"]).chain([&schema["type"]]);
        types
            .into_iter()
            .any(|types| types == "null" || types.as_array().is_some_and(|types| types.contains(&json!("null"))))
    }

    fn example(&self, schema: &Value) -> Value {
        let schema = self.resolved(schema);
        let given = [&schema["example"], &schema["examples"][0], &schema["enum"][0]];
        if let Some(example) = given.into_iter().find(|example| !example.is_null()) {
            return example.clone();
        }
        match type_of(schema) {
            "object" => {
                let properties = schema["properties"].as_object().into_iter().flatten();
                properties.map(|(name, schema)| (name.clone(), self.example(schema))).collect()
            }
            "array" => json!([self.example(&schema["items"])]),
            "string" if schema["format"] == "uuid" => json!("0194c6a0-0000-7000-8000-000000000001"),
            "string" => json!("a".repeat(schema["minLength"].as_u64().unwrap_or(1).try_into().unwrap())),
            "integer" | "number" => schema["minimum"].as_i64().unwrap_or(1).into(),
            "boolean" => json!(true),
            _ => Value::Null,
        }
    }
}

/// The type of a schema that is not a reference: of several, the one that is not null.
pub(crate) fn type_of(schema: &Value) -> &str {
    let types = schema["type"].as_array().into_iter().flatten().chain([&schema["type"]]);
    types.filter_map(Value::as_str).find(|name| *name != "null").unwrap_or_default()
}
