//! What requests look like. Each of them is sent to a server by a test, `tests/tests/black_box/examples.rs`.

use std::{collections::BTreeMap, sync::LazyLock};

use serde::Deserialize;
use serde_json::Value;
use utoipa::openapi::{
    RefOr,
    example::{Example, ExampleBuilder},
};

/// By operation id. The name of an example is its key.
static EXAMPLES: LazyLock<BTreeMap<String, BTreeMap<String, Written>>> =
    LazyLock::new(|| serde_json::from_str(include_str!("examples.json")).unwrap_or_default());

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    summary: String,
    value: Value,
}

/// The bodies of an operation.
pub(super) fn examples_of(operation_id: &str) -> BTreeMap<String, RefOr<Example>> {
    let written = EXAMPLES.get(operation_id).into_iter().flatten();
    let example =
        |written: &Written| ExampleBuilder::new().summary(&written.summary).value(Some(written.value.clone()));
    written.map(|(name, written)| (name.clone(), RefOr::T(example(written).build()))).collect()
}
