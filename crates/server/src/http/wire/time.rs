use chrono::SecondsFormat;
use comanda_domain::Timestamp;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

/// RFC 3339 in UTC, to the millisecond.
#[derive(ToSchema)]
#[schema(as = Timestamp, value_type = String, format = DateTime, example = "2026-01-31T18:30:00.123Z")]
pub struct WireTime(pub Timestamp);

impl Serialize for WireTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}
