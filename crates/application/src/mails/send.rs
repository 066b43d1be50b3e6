use comanda_domain::{
    AccountMail, NewMailToken,
    ports::{NotifyError, Unavailable},
};

use super::Mails;

/// How the attempt to send a mail ended.
#[derive(Debug)]
pub enum Sent {
    /// It was sent.
    Sent,
    /// It is tried again later.
    Later(NotifyError),
    /// It was refused, or could not be sent too often.
    GivenUp(NotifyError),
}

impl Mails {
    /// Sends the next mail that is due; `None`: there is none, or nobody is written to.
    ///
    /// The token is made here, and only its hash is recorded, before the mail leaves: nobody can read from the tables
    /// what was mailed. A mail that is sent twice, because nobody knows whether it was sent, has another token each time;
    /// both count until one is used.
    pub async fn send_next(&self) -> Result<Option<Sent>, Unavailable> {
        let Some(sender) = &self.sender else { return Ok(None) };
        let Some(due) = self.mails.take_due(self.clock.now()).await? else { return Ok(None) };
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
        let mail = AccountMail { id: due.id, kind: due.kind, to: due.to.clone(), token };
        let sent = match sender.send(&mail).await {
            Ok(()) => Sent::Sent,
            Err(error @ NotifyError::Rejected(_)) => Sent::GivenUp(error),
            Err(error) if due.attempts >= self.retries.attempts => Sent::GivenUp(error),
            Err(error) => Sent::Later(error),
        };
        let next_at = matches!(sent, Sent::Later(_)).then(|| self.clock.now() + self.retries.pause_after(due.attempts));
        self.mails.settle(due.id, next_at).await?;
        Ok(Some(sent))
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
        DueMail { id, kind, account_id: sample::customer().id, credentials, to: sample::email(), attempts }
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
        mails.expect_take_due().returning(|_| Ok(Some(due(MailKind::PasswordReset, 1))));
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
        mails.expect_settle().once().in_sequence(&mut order).withf(|_, next| next.is_none()).returning(|_, _| Ok(()));
        let mails = Mails {
            mails: Arc::new(mails),
            sender: Some(Arc::new(sender)),
            tokens: Arc::new(tokens()),
            ..sample::mails()
        };
        assert!(matches!(mails.send_next().await.unwrap(), Some(Sent::Sent)));
    }

    #[tokio::test]
    async fn what_cannot_be_sent_is_tried_again_and_what_is_refused_is_not() {
        let (unreachable, rejected) = (false, true);
        for (attempts, is_rejected, again) in [(1, unreachable, true), (3, unreachable, false), (1, rejected, false)] {
            let mut mails = MockMails::new();
            mails.expect_take_due().returning(move |_| Ok(Some(due(MailKind::PasswordChanged, attempts))));
            mails.expect_settle().once().withf(move |_, next| next.is_some() == again).returning(|_, _| Ok(()));
            let mut sender = MockMailSender::new();
            sender.expect_send().once().returning(move |_| match is_rejected {
                true => Err(NotifyError::Rejected("no such mailbox".to_owned())),
                false => Err(Unavailable::new("no route").into()),
            });
            let mails = Mails { mails: Arc::new(mails), sender: Some(Arc::new(sender)), ..sample::mails() };
            let sent = mails.send_next().await.unwrap();
            assert_eq!(matches!(sent, Some(Sent::Later(_))), again, "{sent:?}");
        }
    }
}
