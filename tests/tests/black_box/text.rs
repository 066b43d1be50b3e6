//! Text that people type: what is accepted is read back, listed and found, and nobody looks like somebody else.

use std::{collections::HashSet, fmt::Write};

use comanda_tests::{Client, PASSWORD, TestApp, seeded};
use rand::{RngExt, rngs::StdRng};
use reqwest::Method;
use serde_json::{Value, json};
use unicode_normalization::UnicodeNormalization;

/// Texts of characters from all over Unicode, many of which a name must not have.
fn odd_text(random: &mut StdRng) -> String {
    let ranges = [
        0x20..0x7f,
        0xa0..0x250,
        0x300..0x370,
        0x370..0x530,
        0x590..0x700,
        0x900..0x980,
        0x1e00..0x2000,
        0x2000..0x2070,
        0x2190..0x2c00,
        0x3000..0x3100,
        0x4e00..0x4f00,
        0xac00..0xad00,
        0xf900..0xfb00,
        0xfe00..0x1_0000,
        0x1_f300..0x1_fb00,
    ];
    let few = &ranges[..if random.random_bool(0.5) { 3 } else { ranges.len() }];
    let length = random.random_range(1..12);
    let mut character = || {
        let range = few[random.random_range(0..few.len())].clone();
        char::from_u32(random.random_range(range))
    };
    (0..length).filter_map(|_| character()).collect()
}

/// The lower-case letters and the marks of a text, whatever it is composed of.
fn letters(text: &str) -> String {
    text.nfkd().collect::<String>().to_lowercase().replace('\u{3c2}', "\u{3c3}").nfkd().collect()
}

/// A text as a value of a query string.
fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        write!(encoded, "%{byte:02X}").unwrap();
        encoded
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_accepted_is_read_back_equal_listed_and_found() {
    let app = TestApp::open().await;
    let mut random = seeded();
    let customer = app.customer().await;
    let (mut accepted, mut refused) = (0, 0);
    let mut names = HashSet::new();
    for _ in 0..150 {
        let text = odd_text(&mut random);
        // A short text may come twice, and a category has a name once.
        if !names.insert(letters(text.trim())) {
            continue;
        }
        let body = json!({
            "name": text, "category": text, "description": text, "stock": 5, "price": { "amount": 1, "currency": "EUR" },
        });
        let response = app.admin.post("/v1/menu/items", &body).await;
        let renamed = Client::send(customer.request(Method::PATCH, "/v1/me").json(&json!({ "name": text }))).await;
        if response.status == 422 {
            refused += 1;
            assert_eq!(renamed.status, 422, "{text:?}");
            continue;
        }
        let item = response.expect(201);
        accepted += 1;
        let composed: String = text.nfc().collect();
        for field in ["name", "category", "description"] {
            assert_eq!(item[field], composed.trim(), "{text:?}");
        }
        assert_eq!(renamed.expect(200)["name"], composed.trim());
        assert_eq!(customer.get("/v1/me").await.expect(200)["name"], composed.trim());
        let id = item["id"].as_str().unwrap();
        assert_eq!(app.admin.get(&format!("/v1/menu/items/{id}")).await.expect(200)["name"], item["name"]);
        // However it is typed.
        let upper: String = composed.trim().to_uppercase().nfd().collect();
        for typed in [composed.trim().to_owned(), text.nfd().collect(), upper.clone()] {
            for parameter in ["q", "category"] {
                let encoded = encoded(&typed);
                let found = app.admin.get(&format!("/v1/menu/items?limit=100&{parameter}={encoded}")).await;
                if found.status == 422 {
                    // Decomposed or in capitals it may be too long.
                    continue;
                }
                let found = found.expect(200);
                let is_found = found["data"].as_array().unwrap().iter().any(|found| found["id"] == id);
                // Some capitals stand for several letters: those of ligatures, for instance.
                let is_ambiguous = typed == upper && letters(&upper) != letters(composed.trim());
                assert!(is_found || is_ambiguous, "{typed:?} does not find {text:?}");
            }
        }
    }
    assert!(accepted > 20 && refused > 0, "{accepted} accepted, {refused} refused");
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twins_of_an_address_are_the_account_itself_or_none() {
    let app = TestApp::open().await;
    let register = async |email: &str| {
        let body = json!({ "email": email, "password": PASSWORD, "name": "Ana" });
        app.anonymous().post("/v1/users", &body).await
    };
    let user = register("Jos\u{e9}@b\u{fc}cher.example").await.expect(201);
    assert_eq!(user["email"], "jos\u{e9}@b\u{fc}cher.example");
    for twin in [
        "jose\u{301}@bu\u{308}cher.example",
        "JOS\u{c9}@B\u{dc}CHER.EXAMPLE",
        "jos\u{e9}@xn--bcher-kva.example",
        "\u{ff4a}os\u{e9}@b\u{fc}cher\u{3002}example",
    ] {
        assert_eq!(register(twin).await.problem(), (409, "email-taken".to_owned()), "{twin:?}");
        assert_eq!(app.anonymous().log_in(twin, PASSWORD).await.id.to_string(), user["id"].as_str().unwrap());
    }
    for invisible in ['\u{ad}', '\u{200b}', '\u{200d}', '\u{202e}', '\u{2060}', '\u{2066}', '\u{3164}', '\u{feff}'] {
        for twin in
            [format!("jos{invisible}\u{e9}@b\u{fc}cher.example"), format!("jos\u{e9}@b\u{fc}{invisible}cher.example")]
        {
            assert_eq!(register(&twin).await.problem(), (422, "validation-failed".to_owned()), "{twin:?}");
        }
    }
    let addresses = "SELECT count(*) FROM users WHERE email LIKE '%cher%'";
    assert_eq!(app.database.number(addresses).await, 1);
    app.close().await;
}

/// A server of the release before has stored the domain as it was typed.
#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_was_stored_in_another_spelling_is_found() {
    let app = TestApp::open().await;
    let email = app.account().await;
    let stored = "UPDATE users SET email = 'ana@xn--bcher-kva.example' WHERE email = $1";
    app.database.client().await.execute(stored, &[&email]).await.unwrap();
    for typed in ["ana@xn--bcher-kva.example", "ana@b\u{fc}cher.example"] {
        app.anonymous().log_in(typed, PASSWORD).await;
        let body = json!({ "email": typed, "password": PASSWORD, "name": "Ana" });
        let taken = app.anonymous().post("/v1/users", &body).await;
        assert_eq!(taken.problem(), (409, "email-taken".to_owned()));
    }
    app.close().await;
}

/// Rules of before have accepted an address that today's rules turn into another.
#[tokio::test(flavor = "multi_thread")]
async fn who_types_an_address_exactly_as_it_is_stored_gets_its_account() {
    let app = TestApp::open().await;
    let (plain, wide) = (app.account().await, app.account().await);
    let stored = "\u{ff41}na@example.org";
    let client = app.database.client().await;
    let rename = "UPDATE users SET email = $1 WHERE email = $2 RETURNING id::text";
    let mut ids = Vec::new();
    for (email, before) in [("ana@example.org", &plain), (stored, &wide)] {
        ids.push(client.query_one(rename, &[&email, before]).await.unwrap().get::<_, String>(0));
    }
    assert_eq!(app.anonymous().log_in("Ana@example.org", PASSWORD).await.id.to_string(), ids[0]);
    for typed in [stored, " \u{ff21}na@example.org"] {
        assert_eq!(app.anonymous().log_in(typed, PASSWORD).await.id.to_string(), ids[1], "{typed}");
    }
    // Both are locked by guesses at either.
    let wide = app.anonymous().log_in(stored, PASSWORD).await;
    for _ in 0..5 {
        assert_eq!(app.anonymous().try_password(stored, "a wrong password").await.status, 401);
    }
    for typed in [stored, "ana@example.org"] {
        assert_eq!(app.anonymous().try_password(typed, PASSWORD).await.status, 429, "{typed}");
    }
    assert_eq!(wide.get("/v1/me").await.expect(200)["email"], stored);

    let mails = "SELECT count(*) FROM mails WHERE kind = 'password-reset' AND typed = '\u{ff41}na@example.org'";
    let body = json!({ "email": stored });
    assert_eq!(app.anonymous().post("/v1/password-resets", &body).await.status, 202);
    assert_eq!(app.database.number(mails).await, 1);

    let report = String::from_utf8(app.comanda(&["check"]).stdout).unwrap();
    assert!(report.contains(&ids[0]) && report.contains(&ids[1]), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn names_of_all_scripts_are_accepted_and_invisible_ones_are_not() {
    let app = TestApp::open().await;
    let customer = app.customer().await;
    let rename =
        async |name: &str| Client::send(customer.request(Method::PATCH, "/v1/me").json(&json!({ "name": name }))).await;
    let add = async |name: &str| {
        let price = json!({ "amount": 1, "currency": "EUR" });
        let body = json!({ "name": name, "category": name, "stock": 1, "price": price });
        app.admin.post("/v1/menu/items", &body).await
    };
    for name in ["محمد صلاح", "علی\u{200c}رضا", "דוד בן־גוריון", "राम शर्मा", "👩\u{200d}🍳 Ana", "山田 太郎", "O’Neill"]
    {
        assert_eq!(rename(name).await.expect(200)["name"], name);
        assert_eq!(add(name).await.expect(201)["name"], name);
    }
    for name in [
        "\u{200b}",
        "\u{2060}\u{2060}",
        "\u{ad}",
        "\u{3164}",
        "\u{2800}",
        "Ana\u{202e}",
        "A\u{2066}na",
        "A\u{2028}na",
        "A\u{2029}na",
        "A\u{85}na",
        "A\u{e0041}na",
        "\u{301}",
    ] {
        assert_eq!(rename(name).await.problem(), (422, "validation-failed".to_owned()), "{name:?}");
        let refused = add(name).await;
        assert_eq!(refused.pointers(), ["/name", "/category"], "{name:?}");
    }
    let item = app.item(5).await;
    let noted = async |note: &str| {
        let body: Value = json!({ "items": [{ "menu_item_id": item, "quantity": 1, "note": note }], "note": note });
        customer.post("/v1/orders", &body).await
    };
    assert_eq!(noted("two\nlines").await.expect(201)["note"], "two\nlines");
    for note in ["\u{200b}", "\u{3164}\u{ad}", "no \u{202e}snoino"] {
        assert_eq!(noted(note).await.pointers(), ["/note", "/items/0/note"], "{note:?}");
    }
    app.close().await;
}
