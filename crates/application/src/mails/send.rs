use comanda_domain::{
    AccountId, AccountMail, MailId, MailKind, NewMailToken,
    ports::{NotifyError, Unavailable},
};
use comanda_task::isolated;

use super::Mails;

/// An attempt to send a mail.
#[derive(Debug)]
pub struct Attempted {
    /// The mail.
    pub id: MailId,
    /// What it is about.
    pub kind: MailKind,
    /// Whose it is.
    pub account_id: AccountId,
    /// How the attempt ended.
    pub outcome: Sent,
}

/// How the attempt to send a mail ended.
#[derive(Debug)]
pub enum Sent {
    /// It was sent.
    Sent,
    /// It is tried again later.
    Later(NotifyError),
    /// It was refused, or could not be sent, too often.
    GivenUp(NotifyError),
}

impl Mails {
    /// Sends the next mail that is due; `None`: there is none, or nobody is written to.
    ///
    /// The token is made here, and only its hash is recorded, before the mail leaves: nobody can read from the tables
    /// what was mailed. A mail that is sent twice, because nobody knows whether it was sent, has another token each
    /// time; both count until one is used.
    ///
    /// A mail that the server refuses is tried again like one that cannot be delivered: most refusals mean the server's
    /// own configuration, its limits or a full mailbox, and end.
    pub async fn send_next(&self) -> Result<Option<Attempted>, Unavailable> {
        let Some(sender) = &self.sender else { return Ok(None) };
        let Some(due) = self.mails.take_due(self.clock.now(), self.retries.attempts).await? else { return Ok(None) };
        let token = match due.kind.purpose() {
            None => None,
            Some(purpose) => {
                let token = self.tokens.generate();
                let recorded = NewMailToken {
                    hash: self.tokens.hash(&token),
                    purpose,
                    account_id: due.account_id,
                    email: due.to.clone(),
                    expires_at: self.clock.now() + purpose.lifetime(),
                    credentials: due.credentials,
                };
                self.mails.add_token(recorded).await?;
                Some(token)
            }
        };
        let mail = AccountMail { id: due.id, kind: due.kind, asked: due.asked, to: due.to.clone(), token };
        // One that panics is as one that cannot be sent: others are, meanwhile.
        let sent = isolated(async { sender.send(&mail).await }, |panic| Unavailable::new(panic).into()).await;
        let outcome = match sent {
            Ok(()) => Sent::Sent,
            Err(error) if due.attempts >= self.retries.attempts => Sent::GivenUp(error),
            Err(error) => Sent::Later(error),
        };
        let next_at =
            matches!(outcome, Sent::Later(_)).then(|| self.clock.now() + self.retries.pause_after(due.attempts));
        self.mails.settle(due.id, due.attempts, next_at).await?;
        Ok(Some(Attempted { id: due.id, kind: due.kind, account_id: due.account_id, outcome }))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::TimeDelta;
    use comanda_domain::{
        CredentialsVersion, MailId, MailKind, MailToken, MailTokenHash,
        ports::{DueMail, MockMailSender, MockMailTokens, MockMails},
    };

    use super::*;
    use crate::sample;

    fn due(kind: MailKind, attempts: u32) -> DueMail {
        let id = MailId::new(sample::menu_item().id.as_uuid());
        let credentials = CredentialsVersion::new(1);
        DueMail { id, kind, asked: kind, account_id: sample::customer().id, credentials, to: sample::email(), attempts }
    }

    fn token() -> MailToken {
        MailToken::new(&"t".repeat(MailToken::LENGTH)).unwrap()
    }

    fn tokens() -> MockMailTokens {
        let mut tokens = MockMailTokens::new();
        tokens.expect_generate().returning(token);
        tokens.expect_hash().returning(|_| MailTokenHash::new([7; 32]));
        tokens
    }

    #[tokio::test]
    async fn the_hash_is_recorded_before_the_mail_leaves_with_the_token() {
        let mut order = mockall::Sequence::new();
        let mut mails = MockMails::new();
        mails.expect_take_due().returning(|_, _| Ok(Some(due(MailKind::PasswordReset, 1))));
        mails
            .expect_add_token()
            .once()
            .in_sequence(&mut order)
            .withf(|token| {
                token.hash == MailTokenHash::new([7; 32]) && token.expires_at == sample::now() + TimeDelta::hours(1)
            })
            .returning(|_| Ok(()));
        let mut sender = MockMailSender::new();
        sender
            .expect_send()
            .once()
            .in_sequence(&mut order)
            .withf(|mail| mail.token == Some(token()) && mail.to == sample::email())
            .returning(|_| Ok(()));
        mails
            .expect_settle()
            .once()
            .in_sequence(&mut order)
            .withf(|_, _, next| next.is_none())
            .returning(|_, _, _| Ok(()));
        let mails = Mails {
            mails: Arc::new(mails),
            sender: Some(Arc::new(sender)),
            tokens: Arc::new(tokens()),
            ..sample::mails()
        };
        assert!(matches!(mails.send_next().await.unwrap().unwrap().outcome, Sent::Sent));
    }

    #[tokio::test]
    async fn what_cannot_be_sent_or_is_refused_is_tried_again_and_given_up_after_the_last_attempt() {
        type Failure = fn() -> Result<(), NotifyError>;
        let unreachable: Failure = || Err(Unavailable::new("no route").into());
        let rejected: Failure = || Err(NotifyError::Rejected("no such mailbox".to_owned()));
        let panics: Failure = || panic!("in this test");
        let cases = [unreachable, rejected, panics].into_iter().flat_map(|fails| [(1, fails, true), (3, fails, false)]);
        for (attempts, fails, again) in cases {
            let mut mails = MockMails::new();
            mails
                .expect_take_due()
                .withf(|_, limit| *limit == 3)
                .returning(move |_, _| Ok(Some(due(MailKind::PasswordChanged, attempts))));
            mails
                .expect_settle()
                .once()
                .withf(move |_, attempt, next| *attempt == attempts && next.is_some() == again)
                .returning(|_, _, _| Ok(()));
            let mut sender = MockMailSender::new();
            sender.expect_send().once().returning(move |_| fails());
            let mails = Mails { mails: Arc::new(mails), sender: Some(Arc::new(sender)), ..sample::mails() };
            let outcome = mails.send_next().await.unwrap().unwrap().outcome;
            assert_eq!(matches!(outcome, Sent::Later(_)), again, "{outcome:?}");
        }
    }
}
