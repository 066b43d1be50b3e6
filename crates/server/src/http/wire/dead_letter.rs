use comanda_domain::ports::DeadLetter;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::WireTime;

/// Something that could not be told to somebody.
#[derive(Serialize, ToSchema)]
#[schema(as = DeadLetter)]
pub struct DeadLetterResponse {
    id: i64,
    /// To whom.
    #[schema(example = "mail")]
    subscriber: String,
    event_id: i64,
    #[schema(example = "order.placed")]
    r#type: String,
    /// Of which order, or menu item.
    subject: Uuid,
    occurred_at: WireTime,
    /// How often it was tried.
    attempts: u32,
    /// What went wrong the last time.
    error: String,
}

impl From<DeadLetter> for DeadLetterResponse {
    fn from(letter: DeadLetter) -> Self {
        Self {
            id: letter.id,
            subscriber: letter.subscriber,
            event_id: letter.event,
            r#type: letter.kind,
            subject: letter.stream,
            occurred_at: WireTime(letter.occurred_at),
            attempts: letter.attempts,
            error: letter.error,
        }
    }
}

#[derive(Serialize, ToSchema)]
pub struct DeadLetterPage {
    pub data: Vec<DeadLetterResponse>,
    /// Null on the last page.
    #[schema(required)]
    pub next_cursor: Option<String>,
}
