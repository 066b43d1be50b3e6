use actix_web::HttpResponse;
use comanda_application::Operations;
use comanda_domain::{
    Email, LockReason,
    ports::{LockedAddressPosition, LockoutsQuery, Unavailable},
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::LockoutResponse;
use crate::http::{
    extract::{Admin, Filter, Paged, Service, pages},
    problem::{Code, Failure, Problem},
    validation::{ViolationCode, Violations},
    wire::names,
};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LockoutFilter {
    /// Only addresses that are locked for this reason.
    #[param(value_type = Option<names::LockReason>, inline)]
    reason: Option<String>,
}

impl Filter for LockoutFilter {
    const LIST: &'static str = "lockouts";
    type Criteria = Option<LockReason>;
    /// When it opens, in milliseconds since 1970, and its address.
    type Position = (i64, String);

    fn criteria(self, violations: &mut Violations) -> Result<Self::Criteria, Problem> {
        Ok(self.reason.and_then(|reason| violations.read("/reason", &reason, ViolationCode::UnknownReason)))
    }
}

pages! {
    LockoutPage of LockoutResponse;
}

/// Lists the addresses that are locked now; those that open first come first
///
/// Addresses whose passwords were wrong too often, whether they have an account or not.
#[utoipa::path(
    get, path = "/v1/admin/lockouts", operation_id = "list_lockouts",
    responses((status = 200, description = "A page of the list", body = LockoutPage))
)]
pub async fn list_lockouts(
    operations: Service<Operations>,
    Admin(admin): Admin,
    Paged { criteria: reason, limit, after, pages }: Paged<LockoutFilter>,
) -> Result<HttpResponse, Failure<Unavailable>> {
    let after = after.map(position).transpose()?;
    let found = operations.list_lockouts(admin, LockoutsQuery { reason, after, limit }).await?;
    let position = |end: LockedAddressPosition| (end.unlock_at.timestamp_millis(), end.email.as_str().to_owned());
    Ok(pages.respond::<LockoutPage, _, _>(found, position, LockoutResponse::from))
}

fn position((unlock_at, email): (i64, String)) -> Result<LockedAddressPosition, Problem> {
    // The cursor is signed: the address is one that this list has shown.
    let unlock_at = chrono::DateTime::from_timestamp_millis(unlock_at)
        .ok_or_else(|| Problem::new(Code::InvalidCursor, "The cursor does not come from this list."))?;
    Ok(LockedAddressPosition { unlock_at, email: Email::stored(&email) })
}
