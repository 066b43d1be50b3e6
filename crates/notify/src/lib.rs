//! Notifies customers by mail, and other systems by signed webhooks.

mod cloud_event;
mod greeting;
mod mail;
mod money;
mod network_guard;
#[cfg(test)]
mod sample;
mod smtp_url;
mod webhook;

pub use mail::{Language, MailConfig, MailNotifier, MailTransport, UnknownLanguage};
pub use network_guard::NetworkGuard;
pub use smtp_url::{InvalidSender, InvalidSmtpUrl, Sender, SmtpUrl};
pub use webhook::{NotAWebhookSecret, WebhookConfig, WebhookNotifier, WebhookSecret};
