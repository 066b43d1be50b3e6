//! Requests at random, by the OpenAPI document and against it: whatever is sent, there is a response, and it is no
//! failure of ours.

use std::sync::Arc;

use comanda_tests::{Client, PASSWORD, TestApp, seeded};
use proptest::{
    collection::vec,
    prelude::*,
    sample::select,
    test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner},
};
use rand::Rng;
use reqwest::Method;
use serde_json::{Map, Value, json};
use tokio::runtime::Handle;
use uuid::Uuid;

use crate::openapi::{Document, Operation, type_of};

/// How many requests are sent.
const REQUESTS: u32 = 4000;

#[derive(Clone, Copy, Debug)]
enum Caller {
    Nobody,
    Customer,
    Staff,
    Admin,
}

#[derive(Clone, Debug)]
struct Request {
    operation: Arc<Operation>,
    caller: Caller,
    address: String,
    headers: Vec<(&'static str, String)>,
    body: Option<Vec<u8>>,
}

/// Dates and times, those at the ends of what chrono, RFC 3339 and PostgreSQL know among them.
const TIMES: &[&str] = &[
    "2026-01-31T18:30:00Z",
    "2026-01-31",
    "2026-02-30",
    "2026-06-30T23:59:60Z",
    "-262143-01-01",
    "-262143-01-01T00:00:00Z",
    "+262142-12-31",
    "-4714-11-24",
    "-4713-11-24",
    "0000-01-01T00:00:00+23:59",
    "0001-01-01",
    "9999-12-31T23:59:59-23:59",
    "+294276-12-31",
    "+294277-01-01",
    "yesterday",
];

/// Texts that are shorter, longer or other than they look.
const ODD_TEXTS: &[&str] = &[
    "",
    " ",
    "\0",
    "\u{7}",
    "a\0b",
    "\u{200b}",
    "\u{202e}abc",
    "\u{2028}",
    "\u{3164}",
    "e\u{301}\u{301}\u{301}",
    "İ@example.org",
    "ȺȺȺȺȺȺȺȺȺȺȺȺȺȺȺȺȺȺȺȺȺȺȺȺȺȺȺȺȺȺabcd@example.org",
    "ﷺﷺﷺﷺﷺﷺﷺﷺﷺﷺ",
    "👩‍👩‍👧‍👦",
    "مطعم",
    "=1+1",
    "';--",
    "%",
    "%00",
    "..",
    "\\",
    "null",
    "NaN",
    "\u{fffe}\u{ffff}",
    "\u{10ffff}",
    "europe/berlin",
    "Europe/Berlin",
    "items,customer,payments",
    "menu-cache",
    "hour",
];

fn text() -> BoxedStrategy<String> {
    prop_oneof![
        4 => select(ODD_TEXTS).prop_map(str::to_owned),
        2 => select(TIMES).prop_map(str::to_owned),
        3 => "\\PC{0,40}",
        2 => "[ -~]{0,40}",
        1 => any::<String>(),
        1 => (select(vec!['a', 'ñ', '🍕', '\u{301}']), 100_usize..5000).prop_map(|(c, times)| c.to_string().repeat(times)),
        2 => "[a-z]{1,8}@example\\.org",
    ]
    .boxed()
}

/// Integers, those at the ends of 32, 64 and 128 bits among them.
fn integer() -> BoxedStrategy<Value> {
    let ends = [i64::from(i32::MIN), i64::from(i32::MAX), i64::from(u32::MAX), i64::MIN, i64::MAX, 0, 1, -1];
    let around = (select(ends.to_vec()), -2_i64..=2).prop_map(|(end, by)| json!(end.saturating_add(by)));
    let larger = select(vec!["18446744073709551615", "99999999999999999999999999", "-1e30", "1e400", "0.5", "-0"]);
    // What is too large for any number is no JSON that can be built.
    let larger = larger.prop_map(|text| serde_json::from_str(text).unwrap_or(json!(f64::MAX)));
    prop_oneof![3 => around, 1 => larger, 2 => (-10_i64..200).prop_map(Value::from)].boxed()
}

/// JSON of any shape.
fn anything() -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        integer(),
        text().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
    ];
    let grown = leaf.prop_recursive(3, 12, 4, |inner| {
        let members = vec((text(), inner.clone()), 0..4).prop_map(|members| members.into_iter().collect());
        prop_oneof![vec(inner, 0..4).prop_map(Value::Array), members.prop_map(Value::Object)]
    });
    grown.boxed()
}

/// What paths and bodies can name.
#[derive(Clone)]
struct Named {
    document: Document,
    ids: Vec<String>,
}

impl Named {
    fn id(&self) -> BoxedStrategy<String> {
        let random = any::<u128>().prop_map(|bits| Uuid::from_u128(bits).to_string());
        prop_oneof![4 => select(self.ids.clone()), 1 => random, 1 => text()].boxed()
    }

    /// Values that a schema allows, or nearly.
    fn value(&self, schema: &Value) -> BoxedStrategy<Value> {
        let schema = self.document.resolved(schema);
        let fitting = if let Some(names) = schema["enum"].as_array() {
            select(names.clone()).boxed()
        } else {
            match type_of(schema) {
                "object" => self.object(schema),
                "array" => vec(self.value(&schema["items"]), 0..4).prop_map(Value::Array).boxed(),
                "integer" | "number" => {
                    let range = schema["minimum"].as_i64().unwrap_or(-100)..=schema["maximum"].as_i64().unwrap_or(100);
                    prop_oneof![range.prop_map(Value::from), integer()].boxed()
                }
                "boolean" => any::<bool>().prop_map(Value::from).boxed(),
                "string" if schema["format"] == "uuid" => self.id().prop_map(Value::from).boxed(),
                _ => {
                    let examples = [&schema["example"], &schema["examples"][0]];
                    let example = examples.into_iter().find_map(Value::as_str).unwrap_or("an example").to_owned();
                    if example.starts_with("2026-") {
                        let time = select(TIMES).prop_map(str::to_owned);
                        prop_oneof![3 => time, 1 => text()].prop_map(Value::from).boxed()
                    } else {
                        prop_oneof![1 => Just(example), 1 => text()].prop_map(Value::from).boxed()
                    }
                }
            }
        };
        prop_oneof![15 => fitting, 1 => anything()].boxed()
    }

    fn object(&self, schema: &Value) -> BoxedStrategy<Value> {
        let none = Map::new();
        let properties = schema["properties"].as_object().unwrap_or(&none);
        let members: Vec<BoxedStrategy<Option<(String, Value)>>> = properties
            .iter()
            .map(|(name, schema)| {
                let (name, value) = (name.clone(), self.value(schema));
                let member = value.prop_map(move |value| (name.clone(), value));
                proptest::option::weighted(0.9, member).boxed()
            })
            .collect();
        let unknown = proptest::option::weighted(0.03, (text(), anything()));
        (members, unknown, 0..20)
            .prop_map(|(members, unknown, shape)| {
                let members: Map<String, Value> = members.into_iter().flatten().chain(unknown).collect();
                if shape == 0 { members.into_iter().map(|(_, value)| value).collect() } else { Value::Object(members) }
            })
            .boxed()
    }

    fn body(&self, operation: &Operation) -> BoxedStrategy<Option<Vec<u8>>> {
        let Some(schema) = self.document.body(operation) else { return Just(None).boxed() };
        let json = self.value(schema).prop_map(|value| value.to_string().into_bytes());
        // With one byte changed, cut off, or nothing like JSON.
        let changed = (json.clone(), any::<prop::sample::Index>(), any::<u8>()).prop_map(|(mut json, at, byte)| {
            let at = at.index(json.len());
            json[at] = byte;
            json
        });
        let cut = (json.clone(), any::<prop::sample::Index>()).prop_map(|(mut json, at)| {
            json.truncate(at.index(json.len()));
            json
        });
        prop_oneof![20 => json, 2 => changed, 1 => cut, 1 => vec(any::<u8>(), 0..100)].prop_map(Some).boxed()
    }

    fn address(&self, operation: &Operation) -> BoxedStrategy<String> {
        let parameters: Vec<Value> = operation.content["parameters"].as_array().cloned().unwrap_or_default();
        let segments: Vec<BoxedStrategy<String>> = operation
            .path
            .split('/')
            .skip(1)
            .map(|segment| match segment.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
                Some(name) if name.ends_with("id") => self.id().prop_map(|id| encoded(&id)).boxed(),
                Some(name) => {
                    let schema = parameters.iter().find(|parameter| parameter["name"] == name);
                    let schema = schema.map_or(Value::Null, |parameter| parameter["schema"].clone());
                    self.value(&schema).prop_map(|value| encoded(&plain(&value))).boxed()
                }
                None => Just(segment.to_owned()).boxed(),
            })
            .collect();
        let query = parameters.iter().filter(|parameter| parameter["in"] == "query").map(|parameter| {
            let name = parameter["name"].as_str().unwrap().to_owned();
            let mut schema = parameter["schema"].clone();
            if let Some(schema) = schema.as_object_mut().filter(|_| parameter["example"].is_string()) {
                schema.insert("example".to_owned(), parameter["example"].clone());
            }
            let value = prop_oneof![6 => self.value(&schema), 1 => text().prop_map(Value::from)];
            let pair = value.prop_map(move |value| format!("{name}={}", encoded(&plain(&value))));
            proptest::option::weighted(0.6, pair).boxed()
        });
        let query: Vec<_> = query.collect();
        let odd = prop_oneof![10 => Just(None), 1 => "[!-~]{0,30}".prop_map(Some)];
        (segments, query, odd)
            .prop_map(|(segments, query, odd)| {
                let query: Vec<String> = query.into_iter().flatten().chain(odd).collect();
                let path = format!("/{}", segments.join("/"));
                if query.is_empty() { path } else { format!("{path}?{}", query.join("&").replace('#', "%23")) }
            })
            .boxed()
    }

    fn request(&self, operation: Operation) -> BoxedStrategy<Request> {
        let (address, body) = (self.address(&operation), self.body(&operation));
        let visible = || "[!-~]{1,20}".boxed();
        let headers = (
            proptest::option::weighted(0.3, visible()).prop_map(|key| key.map(|key| ("idempotency-key", key))),
            proptest::option::weighted(
                0.7,
                prop_oneof![
                    4 => Just("\"1\"".to_owned()),
                    2 => Just("*".to_owned()),
                    1 => visible(),
                ],
            )
            .prop_map(|tags| tags.map(|tags| ("if-match", tags))),
            proptest::option::weighted(0.1, visible()).prop_map(|known| known.map(|known| ("if-none-match", known))),
            proptest::option::weighted(0.2, prop_oneof![Just("text/csv".to_owned()), visible()])
                .prop_map(|accept| accept.map(|accept| ("accept", accept))),
            prop_oneof![9 => Just("application/json".to_owned()), 1 => visible()]
                .prop_map(|media_type| Some(("content-type", media_type))),
        );
        let headers = headers.prop_map(|(a, b, c, d, e)| [a, b, c, d, e].into_iter().flatten().collect::<Vec<_>>());
        let caller = if operation.path.starts_with("/v1/admin") {
            select(vec![Caller::Admin, Caller::Admin, Caller::Staff])
        } else if operation.path.ends_with("/sessions/current") || operation.path == "/v1/me/sessions" {
            // The others have to stay signed in.
            select(vec![Caller::Nobody])
        } else {
            select(vec![
                Caller::Nobody,
                Caller::Customer,
                Caller::Customer,
                Caller::Staff,
                Caller::Admin,
                Caller::Admin,
            ])
        };
        let operation = Arc::new(operation);
        (caller, address, headers, body)
            .prop_map(move |(caller, address, headers, body)| Request {
                operation: Arc::clone(&operation),
                caller,
                address,
                headers,
                body,
            })
            .boxed()
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Every byte that is not a letter or a digit, escaped.
fn encoded(text: &str) -> String {
    let escaped = text
        .bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") });
    // A path of dots would be another path.
    escaped.take(2000).collect()
}

/// A way to send each request.
struct Callers {
    nobody: Client,
    customer: Client,
    staff: Client,
    admin: Client,
}

impl Callers {
    async fn send(&self, request: &Request) -> Result<(), String> {
        let client = match request.caller {
            Caller::Nobody => &self.nobody,
            Caller::Customer => &self.customer,
            Caller::Staff => &self.staff,
            Caller::Admin => &self.admin,
        };
        let mut sent = client.request(request.operation.method.clone(), &request.address);
        for (name, value) in &request.headers {
            sent = sent.header(*name, value);
        }
        if let Some(body) = &request.body {
            sent = sent.body(body.clone());
        }
        let again = sent.try_clone();
        let no_response = |error| format!("no response: {error:?}");
        let mut response = Client::try_send(sent).await.map_err(no_response)?;
        if response.status == 503
            && let Some(again) = again
        {
            // A machine that is busy with other tests may keep a request waiting for too long, but not twice.
            response = Client::try_send(again).await.map_err(no_response)?;
        }
        if response.status >= 500 {
            return Err(format!("{}: {}", response.status, response.text));
        }
        if response.status >= 400 {
            // Checks that the problem is complete.
            response.code();
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_sent_the_response_is_no_failure_of_ours() {
    let metrics = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let settings = [("MODE", "development"), ("PAYMENT_GATEWAY", "offline"), ("METRICS_ADDR", &*metrics)];
    let app = TestApp::with_servers(1, &settings).await;
    let (customer, item) = (app.customer().await, app.item(1_000_000).await);
    let supply = json!({ "name": "Dough", "unit": "g", "stock": 1_000_000 });
    let supply = app.admin.post("/v1/supplies", &supply).await.expect(201);
    let station = json!({ "name": "Grill", "categories": ["Tests"] });
    let station = app.admin.post("/v1/kitchen/stations", &station).await.expect(201);
    let order = customer.order(&[(item, 1)]).await.expect(201);
    let accept = format!("/v1/orders/{}/status", order["id"].as_str().unwrap());
    app.admin.post(&accept, &json!({ "status": "accepted" })).await.expect(200);
    let tickets = app.admin.get("/v1/kitchen/tickets").await.expect(200);
    let ticket = &tickets["data"][0]["id"];
    let payment = format!("/v1/orders/{}/payments", order["id"].as_str().unwrap());
    let payment = customer.post(&payment, &json!({ "method": "card" })).await.expect(201);
    let staff = app.account().await;
    let appointed = app.anonymous().log_in(&staff, PASSWORD).await;
    let path = format!("/v1/admin/users/{}", appointed.id);
    Client::send(app.admin.request(Method::PATCH, &path).json(&json!({ "role": "staff" }))).await.expect(200);
    let callers = Callers {
        nobody: app.anonymous(),
        staff: app.anonymous().log_in(&staff, PASSWORD).await,
        admin: app.admin.clone(),
        customer,
    };
    let bystander = app.customer().await;
    let named = Named {
        document: Document::of(&app).await,
        ids: [&json!(item), &supply["id"], &station["id"], ticket, &order["id"], &payment["id"], &json!(bystander.id)]
            .map(plain)
            .to_vec(),
    };
    let operations: Vec<Operation> = named.document.operations();
    let requests = prop::strategy::Union::new(operations.into_iter().map(|operation| named.request(operation)));

    let mut seed = [0; 32];
    seeded().fill_bytes(&mut seed);
    let config = Config { cases: REQUESTS, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
    let runtime = Handle::current();
    let signed_in = [&callers.customer, &callers.staff, &callers.admin].map(Clone::clone);
    let outcome = tokio::task::block_in_place(|| {
        runner.run(&requests, |request| runtime.block_on(callers.send(&request)).map_err(TestCaseError::fail))
    });
    match outcome {
        Ok(()) => {
            for client in signed_in {
                assert_eq!(client.get("/v1/me").await.status, 200, "whoever was signed in still is");
            }
            let metrics = Client::anonymous(&format!("http://{metrics}")).get("/metrics").await;
            assert!(metrics.text.contains("comanda_handler_panics_total 0"), "nothing panicked, not even for a retry");
            app.close().await;
        }
        Err(TestError::Fail(reason, request)) => {
            let body = request.body.as_deref().map(String::from_utf8_lossy);
            panic!(
                "{reason}\n{} as {:?}\n{}\n{:?}\n{body:?}",
                request.operation, request.caller, request.address, request.headers
            );
        }
        Err(aborted) => panic!("{aborted}"),
    }
}
