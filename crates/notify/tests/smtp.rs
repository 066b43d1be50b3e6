//! Mail servers that misbehave.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a failed step is a failed test")]

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use comanda_domain::{
    AccountId, AccountMail, Email, MailId, MailKind, Timestamp,
    ports::{Clock, MailAllowance, MailSender, NotifyError, Unavailable},
};
use comanda_notify::{Language, MailConfig, MailNotifier, MailTransport};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use uuid::Uuid;

struct Nobody;

#[async_trait]
impl MailAllowance for Nobody {
    async fn admit(&self, _: i64, _: AccountId, _: &Email, _: Timestamp) -> Result<bool, Unavailable> {
        Ok(false)
    }
}

impl Clock for Nobody {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }
}

/// Sends a mail to a server that does this with each connection.
async fn send<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> NotifyError
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("smtp://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (connection, _) = listener.accept().await.unwrap();
            tokio::spawn(serve(connection));
        }
    });
    let config = MailConfig {
        transport: MailTransport::Smtp(url.parse().unwrap()),
        from: "Trattoria <orders@trattoria.example>".parse().unwrap(),
        language: Language::English,
        timeout: Duration::from_millis(300),
    };
    let notifier = MailNotifier::new(config, Arc::new(Nobody), Arc::new(Nobody)).unwrap();
    let mail = AccountMail {
        id: MailId::new(Uuid::from_u128(5)),
        kind: MailKind::PasswordChanged,
        asked: MailKind::PasswordChanged,
        to: Email::new("ana@example.org").unwrap(),
        token: None,
    };
    let sent = tokio::time::timeout(Duration::from_secs(20), notifier.send(&mail)).await;
    sent.expect("sending ends by itself").unwrap_err()
}

/// Responds with the greeting, and then to every command of the client's with `response` from the `nth` on.
async fn converse(mut connection: TcpStream, nth: usize, response: Option<&str>) {
    let mut buffer = [0; 4096];
    connection.write_all(b"220 here\r\n").await.unwrap();
    for n in 0.. {
        if !matches!(connection.read(&mut buffer).await, Ok(1..)) {
            return;
        }
        let said = if n < nth { Some("250 so be it") } else { response };
        if let Some(said) = said {
            let _ = connection.write_all(format!("{said}\r\n").as_bytes()).await;
        }
    }
}

#[tokio::test]
async fn a_server_that_stays_silent_is_waited_for_as_long_as_the_limit_says() {
    let silent = send(|connection| async move {
        let _connection = connection;
        std::future::pending::<()>().await;
    });
    assert!(matches!(silent.await, NotifyError::Unavailable(_)));
    for nth in 0..3 {
        let falls_silent = send(move |connection| converse(connection, nth, None));
        assert!(matches!(falls_silent.await, NotifyError::Unavailable(_)), "at command {nth}");
    }
}

#[tokio::test]
async fn a_refusal_is_reported_without_the_address_that_the_server_repeats() {
    for (status, is_refusal) in [(550, true), (451, false)] {
        let said = format!("{status} 5.1.1 <ana@example.org>: no such mailbox");
        let error = send(move |connection| {
            let said = said.clone();
            async move { converse(connection, 2, Some(&said)).await }
        })
        .await;
        assert_eq!(matches!(error, NotifyError::Rejected(_)), is_refusal);
        let text = format!("{error} {error:?}");
        assert!(text.contains(&status.to_string()) && !text.contains("ana"), "{text}");
    }
}
