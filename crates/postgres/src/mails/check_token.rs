use comanda_domain::{
    MailTokenHash, MailTokenRefusal, Timestamp, TokenPurpose,
    ports::{MailTokenError, Unavailable},
};

use super::use_token::find_token;
use crate::database::Database;

pub(super) async fn check_token(
    database: &Database,
    hash: MailTokenHash,
    purpose: TokenPurpose,
    at: Timestamp,
) -> Result<(), MailTokenError> {
    let mut connection = database.connection().await?;
    let token = find_token(&mut connection, hash).await.map_err(Unavailable::new)?;
    let judged = token.map_or(Err(MailTokenRefusal::Unknown), |token| token.judge(purpose, at));
    judged.map_err(MailTokenError::Refused)
}
