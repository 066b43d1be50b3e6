//! All settings, for whoever wants to know which there are.

use std::fmt::Write;

use serde::Serialize;

use super::{
    Setting, breakers, database, deployment, flags, http, lockouts, mail, menu_cache, order_limits, outbox, passwords,
    payments, placement, rate_limit, redis, retention, sessions, streams, telemetry, tokens, webhooks,
};

/// Settings that belong together.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Section {
    pub name: &'static str,
    pub settings: &'static [Setting],
}

const SECTIONS: &[Section] = &[
    Section { name: "Deployment", settings: deployment::SETTINGS },
    Section { name: "PostgreSQL", settings: database::SETTINGS },
    Section { name: "Redis", settings: redis::SETTINGS },
    Section { name: "HTTP", settings: http::SETTINGS },
    Section { name: "Event streams", settings: streams::SETTINGS },
    Section { name: "Access tokens", settings: tokens::SETTINGS },
    Section { name: "Sessions", settings: sessions::SETTINGS },
    Section { name: "Lockouts", settings: lockouts::SETTINGS },
    Section { name: "Rate limits", settings: rate_limit::SETTINGS },
    Section { name: "Passwords", settings: passwords::SETTINGS },
    Section { name: "Placing orders", settings: placement::SETTINGS },
    Section { name: "Limits of a customer", settings: order_limits::SETTINGS },
    Section { name: "Circuit breakers", settings: breakers::SETTINGS },
    Section { name: "Payments", settings: payments::SETTINGS },
    Section { name: "Mail", settings: mail::SETTINGS },
    Section { name: "Webhooks", settings: webhooks::SETTINGS },
    Section { name: "Event delivery", settings: outbox::SETTINGS },
    Section { name: "Retention", settings: retention::SETTINGS },
    Section { name: "Menu cache", settings: menu_cache::SETTINGS },
    Section { name: "Feature flags", settings: flags::SETTINGS },
    Section { name: "Logs and traces", settings: telemetry::SETTINGS },
];

pub fn sections() -> &'static [Section] {
    SECTIONS
}

pub fn settings() -> impl Iterator<Item = &'static Setting> {
    SECTIONS.iter().flat_map(|section| section.settings)
}

/// The settings in Markdown, a table per section.
pub fn table() -> String {
    let mut text = String::new();
    for Section { name, settings } in SECTIONS {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "## {name}\n\n| setting | value | default | meaning |\n| --- | --- | --- | --- |");
        for setting in *settings {
            let default = match setting.default {
                None => "(required)".to_owned(),
                Some("") => "(empty)".to_owned(),
                Some(value) => format!("`{value}`"),
            };
            let _ = writeln!(text, "| `{}` | {} | {default} | {} |", setting.name, setting.values(), setting.meaning);
        }
        text.push('\n');
    }
    text.pop();
    text
}
