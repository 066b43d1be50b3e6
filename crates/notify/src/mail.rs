//! Mail to customers: sent by SMTP, or written to a folder where no real mail should be sent.

use std::{
    fs::{DirBuilder, Permissions},
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::PathBuf,
    str::FromStr,
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use comanda_domain::{
    AccountMail, Email, Event, EventKind, MailKind, MailToken, Money, OrderEvent, OrderLine, OrderStatus,
    SelectedOption,
    ports::{Clock, MailAllowance, MailSender, Notifier, NotifyError, Unavailable},
};
use lettre::{
    Address, AsyncFileTransport, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{Mailbox, MultiPart},
};
use minijinja::{Environment, Value, context};
use thiserror::Error;

use crate::{
    greeting::greeting_name,
    money::format_money,
    smtp_url::{Sender, SmtpUrl},
};

/// The language of mails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    English,
    German,
}

/// There are no templates in this language.
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

/// How mails are sent.
#[derive(Clone, Debug)]
pub enum MailTransport {
    /// An SMTP server.
    Smtp(SmtpUrl),
    /// A folder: one `.eml` file per mail.
    Folder(PathBuf),
}

/// Sender, language and transport of mails.
#[derive(Clone, Debug)]
pub struct MailConfig {
    pub transport: MailTransport,
    /// The sender, such as `Trattoria <orders@trattoria.example>`.
    pub from: Sender,
    pub language: Language,
    /// How long sending a mail by SMTP may take, from the connection to the mail server's last response.
    pub timeout: Duration,
}

enum Transport {
    Smtp(AsyncSmtpTransport<Tokio1Executor>, Duration),
    Folder(AsyncFileTransport<Tokio1Executor>, PathBuf),
}

/// Sends mail to customers.
pub struct MailNotifier {
    transport: Transport,
    from: Mailbox,
    templates: Environment<'static>,
    allowance: Arc<dyn MailAllowance>,
    clock: Arc<dyn Clock>,
}

#[derive(Debug, Error)]
enum Unusable {
    #[error("the URL of the mail server is invalid: {0}")]
    Url(lettre::transport::smtp::Error),
    #[error("a mail template is invalid: {0}")]
    Template(minijinja::Error),
    #[error("mails cannot be written to {0}: {1}")]
    Folder(PathBuf, std::io::Error),
}

impl MailNotifier {
    /// Does not connect to the mail server yet. Fails if the configuration is invalid or the folder cannot be created.
    pub fn new(
        config: MailConfig,
        allowance: Arc<dyn MailAllowance>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Unavailable> {
        let MailConfig { transport, from, language, timeout } = config;
        let Sender(from) = from;
        let transport = match transport {
            MailTransport::Smtp(url) => {
                // Fails if another part of the program has installed a provider before, which is fine.
                let _ = rustls::crypto::ring::default_provider().install_default();
                let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.expose());
                let builder = builder.map_err(|error| Unavailable::new(Unusable::Url(error)))?;
                Transport::Smtp(builder.timeout(Some(timeout)).build(), timeout)
            }
            MailTransport::Folder(folder) => {
                // Mails are nobody else's business.
                let created = DirBuilder::new().recursive(true).mode(0o700).create(&folder);
                created.map_err(|error| Unavailable::new(Unusable::Folder(folder.clone(), error)))?;
                Transport::Folder(AsyncFileTransport::new(&folder), folder)
            }
        };
        let templates = templates(language).map_err(|error| Unavailable::new(Unusable::Template(error)))?;
        Ok(Self { transport, from, templates, allowance, clock })
    }

    /// The mail about an event, or `None` if customers get no mail about it, or this one's address is not verified.
    fn mail(&self, event: &Event) -> Result<Option<Message>, NotifyError> {
        let Some(Topic { order, lines, kind, refunded }) = topic(&event.happened) else { return Ok(None) };
        if !order.email_verified {
            return Ok(None);
        }
        let values = context! {
            kind,
            name => greeting_name(&order.name),
            number => order.number.to_string(),
            total => format_money(order.total),
            refunded => refunded.map(format_money),
            lines => lines.iter().map(line).collect::<Vec<_>>(),
        };
        // Derived from the event, so that a mail that is sent twice can be recognized as the same.
        self.message(
            ["subject.txt", "body.txt", "body.html"],
            &values,
            &order.email,
            &format!("event-{}", event.public_id),
        )
        .map(Some)
    }

    /// The mail to an account.
    fn account_mail(&self, mail: &AccountMail) -> Result<Message, NotifyError> {
        let values = context! {
            kind => mail.kind.as_str(),
            for_reset => mail.asked == MailKind::PasswordReset,
            token => mail.token.as_ref().map(MailToken::expose),
        };
        let templates = ["account_subject.txt", "account_body.txt", "account_body.html"];
        self.message(templates, &values, &mail.to, &format!("mail-{}", mail.id))
    }

    /// A mail whose subject, text and HTML these templates are. Its head names the address alone: a name is text that
    /// somebody has typed.
    fn message(
        &self,
        [subject, text, html]: [&str; 3],
        values: &Value,
        to: &Email,
        id: &str,
    ) -> Result<Message, NotifyError> {
        let render = |name: &str| {
            self.templates
                .get_template(name)
                .and_then(|template| template.render(values))
                .map_err(|error| NotifyError::Rejected(format!("a mail template fails: {error}")))
        };
        let rejected = |error: &dyn std::fmt::Display| NotifyError::Rejected(format!("the mail is invalid: {error}"));
        let address: Address = to.for_mail().parse().map_err(|error| rejected(&error))?;
        Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, address))
            .message_id(Some(format!("<{id}@comanda.invalid>")))
            .subject(render(subject)?.trim())
            .multipart(MultiPart::alternative_plain_html(render(text)?, render(html)?))
            .map_err(|error| rejected(&error))
    }

    async fn deliver(&self, mail: Message) -> Result<(), NotifyError> {
        match &self.transport {
            // The client's own timeout ends with the connection: a server that accepts it and never speaks would be
            // waited for without end. Each mail has a connection of its own, which is closed when this is dropped.
            Transport::Smtp(smtp, limit) => match tokio::time::timeout(*limit, smtp.send(mail)).await {
                Ok(Ok(_)) => Ok(()),
                Ok(Err(error)) => Err(smtp_failure(error)),
                Err(elapsed) => Err(Unavailable::new(elapsed).into()),
            },
            Transport::Folder(files, folder) => {
                let id = files.send(mail).await.map_err(Unavailable::new)?;
                let private = Permissions::from_mode(0o600);
                std::fs::set_permissions(folder.join(format!("{id}.eml")), private).map_err(Unavailable::new)?;
                Ok(())
            }
        }
    }
}

/// A failure without the text of the mail server's response, which often repeats the address: failures are logged, and
/// kept with the event.
fn smtp_failure(error: lettre::transport::smtp::Error) -> NotifyError {
    match error.status() {
        Some(status) if error.is_permanent() => {
            NotifyError::Rejected(format!("the mail server responds with {status}"))
        }
        Some(status) => Unavailable::new(format!("the mail server responds with {status}")).into(),
        None if error.is_response() => Unavailable::new("the mail server's response cannot be read").into(),
        None => Unavailable::new(error).into(),
    }
}

/// What a mail is about.
struct Topic<'a> {
    order: &'a OrderEvent,
    /// What was ordered, in the mail that says so.
    lines: &'a [OrderLine],
    /// The name by which the templates distinguish mails.
    kind: &'static str,
    refunded: Option<Money>,
}

fn topic(happened: &EventKind) -> Option<Topic<'_>> {
    let (order, kind, refunded) = match happened {
        EventKind::OrderPlaced(order, lines) => return Some(Topic { order, lines, kind: "placed", refunded: None }),
        EventKind::OrderStatusChanged(order) => match order.status {
            OrderStatus::Accepted => (order, "accepted", None),
            OrderStatus::Ready => (order, "ready", None),
            OrderStatus::Cancelled => (order, "cancelled", None),
            OrderStatus::Pending | OrderStatus::Preparing | OrderStatus::Completed => return None,
        },
        EventKind::PaymentSucceeded(order, _) => (order, "paid", None),
        EventKind::PaymentFailed(order, _) => (order, "refused", None),
        EventKind::PaymentRefunded(order, payment) => (order, "refunded", Some(payment.refunded)),
        EventKind::ItemSoldOut { .. } => return None,
    };
    Some(Topic { order, lines: &[], kind, refunded })
}

/// A line as the templates show it. Its note is left out: a text that somebody has typed.
fn line(line: &OrderLine) -> Value {
    let choice = |selected: &SelectedOption| match selected.quantity.get() {
        1 => selected.name.as_str().to_owned(),
        times => format!("{times} × {}", selected.name.as_str()),
    };
    context! {
        quantity => line.quantity.get(),
        name => line.name.as_str(),
        choices => line.selections.iter().map(choice).collect::<Vec<_>>(),
        total => format_money(line.line_total),
    }
}

/// The templates of a language, by name.
macro_rules! sources {
    ($language:literal) => {
        sources!($language: "subject.txt", "body.txt", "body.html",
            "account_subject.txt", "account_body.txt", "account_body.html")
    };
    ($language:literal: $($name:literal),+) => {
        [$(($name, include_str!(concat!("../templates/", $language, "/", $name)))),+]
    };
}

fn templates(language: Language) -> Result<Environment<'static>, minijinja::Error> {
    // Values are escaped where a template's name ends in `.html`.
    let mut templates = Environment::new();
    for (name, source) in match language {
        Language::English => sources!("en"),
        Language::German => sources!("de"),
    } {
        templates.add_template(name, source)?;
    }
    Ok(templates)
}

#[async_trait]
impl Notifier for MailNotifier {
    async fn notify(&self, event: &Event) -> Result<(), NotifyError> {
        let Some(Topic { order, .. }) = topic(&event.happened) else { return Ok(()) };
        let Some(mail) = self.mail(event)? else {
            metrics::counter!("comanda_order_mails_unverified_total").increment(1);
            return Ok(());
        };
        if !self.allowance.admit(event.id, order.customer_id, &order.email, self.clock.now()).await? {
            // The customer has been written to often enough; the order itself shows what has happened.
            return Ok(());
        }
        self.deliver(mail).await
    }
}

#[async_trait]
impl MailSender for MailNotifier {
    async fn send(&self, mail: &AccountMail) -> Result<(), NotifyError> {
        self.deliver(self.account_mail(mail)?).await
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::HashSet,
        sync::atomic::{AtomicI32, Ordering},
    };

    use chrono::DateTime;
    use comanda_domain::{
        AccountId, Currency, MailId, MenuItemId, MenuItemName, OrderId, OrderNumber, PaymentEvent, PaymentId,
        PaymentMethod, PersonName, Timestamp,
    };
    use uuid::Uuid;

    use super::*;
    use crate::sample;

    /// Admits this many mails.
    struct Admitting(AtomicI32);

    #[async_trait]
    impl MailAllowance for Admitting {
        async fn admit(&self, _: i64, _: AccountId, _: &Email, _: Timestamp) -> Result<bool, Unavailable> {
            Ok(self.0.fetch_sub(1, Ordering::Relaxed) > 0)
        }
    }

    struct Epoch;

    impl Clock for Epoch {
        fn now(&self) -> Timestamp {
            Timestamp::UNIX_EPOCH
        }
    }

    fn order(status: OrderStatus) -> OrderEvent {
        OrderEvent {
            id: OrderId::new(Uuid::from_u128(1)),
            number: OrderNumber::new(7),
            status,
            version: 2,
            total: Money::new(1250, Currency::EUR),
            customer_id: AccountId::new(Uuid::from_u128(2)),
            email: Email::new("ana@example.org").unwrap(),
            email_verified: true,
            name: PersonName::new("Ana & Söhne").unwrap(),
        }
    }

    fn notifier(language: Language) -> MailNotifier {
        notifier_into(&std::env::temp_dir().join(format!("comanda-mail-{}", std::process::id())), language)
    }

    fn notifier_into(folder: &std::path::Path, language: Language) -> MailNotifier {
        let config = MailConfig {
            transport: MailTransport::Folder(folder.to_owned()),
            from: "Trattoria <orders@trattoria.example>".parse().unwrap(),
            language,
            timeout: Duration::from_secs(1),
        };
        MailNotifier::new(config, Arc::new(Admitting(AtomicI32::new(1))), Arc::new(Epoch)).unwrap()
    }

    fn every_event_kind() -> Vec<EventKind> {
        let payment = PaymentEvent {
            id: PaymentId::new(Uuid::from_u128(3)),
            method: PaymentMethod::Card,
            amount: Money::new(1250, Currency::EUR),
            refunded: Money::new(300, Currency::EUR),
        };
        let mut all = vec![
            EventKind::OrderPlaced(order(OrderStatus::Pending), sample::lines()),
            EventKind::PaymentSucceeded(order(OrderStatus::Pending), payment.clone()),
            EventKind::PaymentFailed(order(OrderStatus::Pending), payment.clone()),
            EventKind::PaymentRefunded(order(OrderStatus::Cancelled), payment),
            EventKind::ItemSoldOut {
                id: MenuItemId::new(Uuid::from_u128(4)),
                name: MenuItemName::new("Carbonara").unwrap(),
            },
        ];
        all.extend(OrderStatus::ALL.map(|status| EventKind::OrderStatusChanged(order(status))));
        all
    }

    fn event(happened: EventKind) -> Event {
        let public_id = Uuid::from_u128(9);
        Event { id: 9, public_id, stream: Uuid::nil(), occurred_at: DateTime::UNIX_EPOCH, happened, is_held: false }
    }

    /// The mail as it is sent, except for what differs each time: the date, and the boundary between the parts.
    fn masked(mail: &Message) -> String {
        let text = String::from_utf8(mail.formatted()).unwrap().replace("\r\n", "\n");
        let (_, rest) = text.split_once("boundary=\"").unwrap();
        let (boundary, _) = rest.split_once('"').unwrap();
        let text = text.replace(boundary, "BOUNDARY");
        let lines = text.lines().map(|line| if line.starts_with("Date: ") { "Date: DATE" } else { line });
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn customers_get_these_mails() {
        for (language, name) in [(Language::English, "mails_in_english"), (Language::German, "mails_in_german")] {
            let notifier = notifier(language);
            let mails = every_event_kind().into_iter().map(|happened| {
                let about = match &happened {
                    EventKind::OrderStatusChanged(order) => format!("{}: {}", happened.kind(), order.status.as_str()),
                    other => other.kind().to_owned(),
                };
                let mail = notifier.mail(&event(happened)).unwrap();
                let mail = mail.map_or_else(|| "(no mail)".to_owned(), |mail| masked(&mail));
                format!("=== {about}\n{mail}\n")
            });
            insta::assert_snapshot!(name, mails.collect::<Vec<_>>().join("\n"));
        }
    }

    #[test]
    fn accounts_get_these_mails() {
        for (language, name) in
            [(Language::English, "account_mails_in_english"), (Language::German, "account_mails_in_german")]
        {
            let notifier = notifier(language);
            // A reset of an unverified address becomes a verification.
            let kinds = MailKind::ALL.map(|kind| (kind, kind));
            let kinds = kinds.into_iter().chain([(MailKind::Verification, MailKind::PasswordReset)]);
            let mails = kinds.map(|(kind, asked)| {
                let token = MailToken::new(&"aB3-_".repeat(9)[..MailToken::LENGTH]).unwrap();
                let mail = AccountMail {
                    id: MailId::new(Uuid::from_u128(5)),
                    kind,
                    asked,
                    to: Email::new("ana@example.org").unwrap(),
                    token: kind.purpose().map(|_| token),
                };
                format!("=== {kind} for {asked}\n{}\n", masked(&notifier.account_mail(&mail).unwrap()))
            });
            insta::assert_snapshot!(name, mails.collect::<Vec<_>>().join("\n"));
        }
    }

    #[test]
    fn an_unverified_address_gets_no_mail_about_orders() {
        let notifier = notifier(Language::English);
        let placed = OrderEvent { email_verified: false, ..order(OrderStatus::Pending) };
        assert!(notifier.mail(&event(EventKind::OrderPlaced(placed, Vec::new()))).unwrap().is_none());
    }

    #[tokio::test]
    async fn what_the_allowance_does_not_admit_is_not_sent() {
        let folder = std::env::temp_dir().join(format!("comanda-mail-{}-allowance", std::process::id()));
        let notifier = notifier_into(&folder, Language::English);
        let placed = event(EventKind::OrderPlaced(order(OrderStatus::Pending), Vec::new()));
        for _ in 0..3 {
            notifier.notify(&placed).await.unwrap();
        }
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn every_mail_has_a_subject_of_its_own() {
        for language in [Language::English, Language::German] {
            let notifier = notifier(language);
            let mails = every_event_kind().into_iter().filter_map(|happened| notifier.mail(&event(happened)).unwrap());
            let subjects: HashSet<_> =
                mails.map(|mail| mail.headers().get_raw("Subject").unwrap().to_owned()).collect();
            assert_eq!(subjects.len(), 7, "{subjects:?}");
        }
    }

    #[test]
    fn a_name_cannot_inject_html() {
        let notifier = notifier(Language::English);
        let template = notifier.templates.get_template("body.html").unwrap();
        let html =
            template.render(context! { kind => "placed", name => "Ana <b>& Söhne</b>", number => "A7", total => "1" });
        let html = html.unwrap();
        assert!(html.contains("Ana &lt;b&gt;&amp; Söhne") && !html.contains("<b>"), "{html}");
    }
}
