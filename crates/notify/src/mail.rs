//! Mail to customers, by SMTP, or into a folder while nobody should be bothered.

use std::{path::PathBuf, str::FromStr, time::Duration};

use async_trait::async_trait;
use comanda_domain::{
    event::{Event, EventKind, OrderEvent},
    money::Money,
    order_status::OrderStatus,
    ports::{Notifier, NotifyError, Unavailable},
};
use lettre::{
    Address, AsyncFileTransport, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{Mailbox, MultiPart},
};
use minijinja::{AutoEscape, Environment, context};
use thiserror::Error;

/// What customers are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    English,
    German,
}

/// There are no templates for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be en or de")]
pub struct UnknownLanguage;

impl FromStr for Language {
    type Err = UnknownLanguage;

    fn from_str(text: &str) -> Result<Self, UnknownLanguage> {
        match text {
            "en" => Ok(Self::English),
            "de" => Ok(Self::German),
            _ => Err(UnknownLanguage),
        }
    }
}

/// How mails leave.
#[derive(Clone)]
pub enum MailTransport {
    /// `smtp://user:password@host:port?tls=required`, `smtps://…` (lettre's connection URLs). Never logged.
    Smtp(String),
    /// Files, one a mail, as `.eml`.
    Folder(PathBuf),
}

/// Who writes, and how.
#[derive(Clone)]
pub struct MailConfig {
    pub transport: MailTransport,
    /// `Trattoria <orders@trattoria.example>`
    pub from: String,
    pub language: Language,
    /// How long the mail server may take for a step of the conversation.
    pub timeout: Duration,
}

enum Transport {
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
    Folder(AsyncFileTransport<Tokio1Executor>),
}

/// Writes to customers.
pub struct MailNotifier {
    transport: Transport,
    from: Mailbox,
    templates: Environment<'static>,
}

#[derive(Debug, Error)]
enum Unusable {
    #[error("the sender is no address: {0}")]
    From(lettre::address::AddressError),
    #[error("the mail server's URL is of no use: {0}")]
    Url(lettre::transport::smtp::Error),
    #[error("a template of mails is of no use: {0}")]
    Template(minijinja::Error),
    #[error("mails cannot be written to {0}: {1}")]
    Folder(PathBuf, std::io::Error),
}

impl MailNotifier {
    /// Does not connect yet.
    pub fn new(config: MailConfig) -> Result<Self, Unavailable> {
        let MailConfig { transport, from, language, timeout } = config;
        let from = from.parse().map_err(|error| Unavailable::new(Unusable::From(error)))?;
        let transport = match transport {
            MailTransport::Smtp(url) => {
                // Another part of the program may have chosen it before, which is as well.
                let _ = rustls::crypto::ring::default_provider().install_default();
                let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(&url);
                let builder = builder.map_err(|error| Unavailable::new(Unusable::Url(error)))?;
                Transport::Smtp(builder.timeout(Some(timeout)).build())
            }
            MailTransport::Folder(folder) => {
                std::fs::create_dir_all(&folder)
                    .map_err(|error| Unavailable::new(Unusable::Folder(folder.clone(), error)))?;
                Transport::Folder(AsyncFileTransport::new(folder))
            }
        };
        let templates = templates(language).map_err(|error| Unavailable::new(Unusable::Template(error)))?;
        Ok(Self { transport, from, templates })
    }

    /// `None`: nothing that a customer wants to be written of.
    fn letter(&self, event: &Event) -> Result<Option<Message>, NotifyError> {
        let Some((order, kind, refunded)) = of_interest(&event.happened) else { return Ok(None) };
        let unreadable = |error: minijinja::Error| NotifyError::Rejected(format!("the template fails: {error}"));
        let render = |name: &str| {
            let values = context! {
                kind, name => order.name.as_str(), number => order.number.to_string(), total => written(order.total),
                refunded => refunded.map(written),
            };
            self.templates.get_template(name).and_then(|template| template.render(values)).map_err(unreadable)
        };
        let (subject, text, html) = (render("subject.txt")?, render("body.txt")?, render("body.html")?);
        let refused = |error: &dyn std::fmt::Display| NotifyError::Rejected(format!("no letter: {error}"));
        let address: Address = order.email.as_str().parse().map_err(|error| refused(&error))?;
        let letter = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(Some(order.name.as_str().to_owned()), address))
            // The same event is the same letter, should it be sent twice.
            .message_id(Some(format!("<event-{}@comanda.invalid>", event.id)))
            .subject(subject.trim())
            .multipart(MultiPart::alternative_plain_html(text, html))
            .map_err(|error| refused(&error))?;
        Ok(Some(letter))
    }
}

/// What a customer is written of: their order, what happened to it, and what they get back.
fn of_interest(happened: &EventKind) -> Option<(&OrderEvent, &'static str, Option<Money>)> {
    match happened {
        EventKind::OrderPlaced(order) => Some((order, "placed", None)),
        EventKind::OrderStatusChanged(order) => match order.status {
            OrderStatus::Accepted => Some((order, "accepted", None)),
            OrderStatus::Ready => Some((order, "ready", None)),
            OrderStatus::Cancelled => Some((order, "cancelled", None)),
            OrderStatus::Pending | OrderStatus::Preparing | OrderStatus::Completed => None,
        },
        EventKind::PaymentSucceeded(order, _) => Some((order, "paid", None)),
        EventKind::PaymentFailed(order, _) => Some((order, "refused", None)),
        EventKind::PaymentRefunded(order, payment) => Some((order, "refunded", Some(payment.refunded))),
        EventKind::ItemSoldOut { .. } => None,
    }
}

fn written(money: Money) -> String {
    let (digits, currency) = (money.currency().minor_digits(), money.currency());
    let unit = 10_i64.pow(digits);
    match digits {
        0 => format!("{} {currency}", money.amount()),
        _ => {
            let (whole, part) = (money.amount() / unit, money.amount() % unit);
            format!("{whole}.{part:0width$} {currency}", width = digits as usize)
        }
    }
}

fn templates(language: Language) -> Result<Environment<'static>, minijinja::Error> {
    let mut templates = Environment::new();
    templates.set_auto_escape_callback(|name| match name {
        "body.html" => AutoEscape::Html,
        _ => AutoEscape::None,
    });
    let (subject, text, html) = match language {
        Language::English => (
            include_str!("../templates/en/subject.txt"),
            include_str!("../templates/en/body.txt"),
            include_str!("../templates/en/body.html"),
        ),
        Language::German => (
            include_str!("../templates/de/subject.txt"),
            include_str!("../templates/de/body.txt"),
            include_str!("../templates/de/body.html"),
        ),
    };
    templates.add_template("subject.txt", subject)?;
    templates.add_template("body.txt", text)?;
    templates.add_template("body.html", html)?;
    Ok(templates)
}

#[async_trait]
impl Notifier for MailNotifier {
    async fn notify(&self, event: &Event) -> Result<(), NotifyError> {
        let Some(letter) = self.letter(event)? else { return Ok(()) };
        match &self.transport {
            Transport::Smtp(smtp) => match smtp.send(letter).await {
                Ok(_) => Ok(()),
                // 5xx of SMTP: this letter will not be taken, however often it is sent.
                Err(error) if error.is_permanent() => Err(NotifyError::Rejected(error.to_string())),
                Err(error) => Err(Unavailable::new(error).into()),
            },
            Transport::Folder(folder) => {
                folder.send(letter).await.map(|_| ()).map_err(|error| Unavailable::new(error).into())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use comanda_domain::{
        email::Email,
        event::PaymentEvent,
        ids::{AccountId, OrderId, PaymentId},
        money::Currency,
        order_number::OrderNumber,
        payment::PaymentMethod,
        text::PersonName,
    };
    use uuid::Uuid;

    use super::*;

    fn order(status: OrderStatus) -> OrderEvent {
        OrderEvent {
            id: OrderId::new(Uuid::from_u128(1)),
            number: OrderNumber::new(7),
            status,
            version: 2,
            total: Money::new(1250, Currency::EUR),
            customer_id: AccountId::new(Uuid::from_u128(2)),
            email: Email::new("ana@example.org").unwrap(),
            name: PersonName::new("Ana <b>& Söhne</b>").unwrap(),
        }
    }

    fn notifier(language: Language) -> MailNotifier {
        let folder = std::env::temp_dir().join(format!("comanda-mail-{}", std::process::id()));
        let config = MailConfig {
            transport: MailTransport::Folder(folder),
            from: "Trattoria <orders@trattoria.example>".to_owned(),
            language,
            timeout: Duration::from_secs(1),
        };
        MailNotifier::new(config).unwrap()
    }

    fn every_event_kind() -> Vec<(EventKind, bool)> {
        let payment = PaymentEvent {
            id: PaymentId::new(Uuid::from_u128(3)),
            method: PaymentMethod::Card,
            amount: Money::new(1250, Currency::EUR),
            refunded: Money::new(300, Currency::EUR),
        };
        let mut all = vec![
            (EventKind::OrderPlaced(order(OrderStatus::Pending)), true),
            (EventKind::PaymentSucceeded(order(OrderStatus::Pending), payment.clone()), true),
            (EventKind::PaymentFailed(order(OrderStatus::Pending), payment.clone()), true),
            (EventKind::PaymentRefunded(order(OrderStatus::Cancelled), payment), true),
        ];
        for status in OrderStatus::ALL {
            let told = matches!(status, OrderStatus::Accepted | OrderStatus::Ready | OrderStatus::Cancelled);
            all.push((EventKind::OrderStatusChanged(order(status)), told));
        }
        all
    }

    #[test]
    fn there_is_a_letter_in_both_languages_for_whatever_customers_want_to_hear_of() {
        for language in [Language::English, Language::German] {
            let notifier = notifier(language);
            let mut subjects = std::collections::HashSet::new();
            for (happened, told) in every_event_kind() {
                let kind = happened.kind();
                let event =
                    Event { id: 9, stream: Uuid::nil(), occurred_at: DateTime::UNIX_EPOCH, happened, is_held: false };
                let letter = notifier.letter(&event).unwrap();
                assert_eq!(letter.is_some(), told, "{kind}");
                let Some(letter) = letter else { continue };
                subjects.insert(letter.headers().get_raw("Subject").unwrap().to_owned());
                let text = String::from_utf8(letter.formatted()).unwrap();
                assert!(text.contains("text/plain") && text.contains("text/html") && text.contains("ana@example.org"));
            }
            assert_eq!(subjects.len(), 7, "{subjects:?}");
        }
    }

    #[test]
    fn a_name_cannot_write_html() {
        let notifier = notifier(Language::English);
        let template = notifier.templates.get_template("body.html").unwrap();
        let html =
            template.render(context! { kind => "placed", name => "Ana <b>& Söhne</b>", number => "A7", total => "1" });
        let html = html.unwrap();
        assert!(html.contains("Ana &lt;b&gt;&amp; Söhne") && !html.contains("<b>"), "{html}");
    }

    #[test]
    fn money_is_written_as_its_currency_has_it() {
        assert_eq!(written(Money::new(1205, Currency::EUR)), "12.05 EUR");
        assert_eq!(written(Money::new(1205, "JPY".parse().unwrap())), "1205 JPY");
    }
}
