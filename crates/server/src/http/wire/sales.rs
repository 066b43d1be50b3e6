use chrono::{DateTime, NaiveDate};
use chrono_tz::Tz;
use comanda_domain::{
    Timestamp,
    ports::TopItem,
    sales::{Period, Sales, SalesInterval, first_moment_of},
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{MoneyResponse, WireTime};
use crate::http::{
    problem::{Code, Problem},
    validation::{Violation, Violations},
};

/// `from` and `to` of a report. A date alone is its first moment in the time zone.
pub fn period_in(
    from: Option<&str>,
    to: Option<&str>,
    zone: Tz,
    sales: &comanda_application::Sales,
    violations: &mut Violations,
) -> Result<Option<Period>, Problem> {
    let (to, from) = (moment("/to", to, zone)?, moment("/from", from, zone)?);
    Ok(violations.check("/to", sales.period(from, to)))
}

fn moment(pointer: &str, text: Option<&str>, zone: Tz) -> Result<Option<Timestamp>, Problem> {
    let Some(text) = text else { return Ok(None) };
    // A plus sign that was not encoded has become a space.
    let text = text.replace(' ', "+");
    let moment = DateTime::parse_from_rfc3339(&text).map(|moment| moment.to_utc());
    let date = || text.parse::<NaiveDate>().ok().map(|date| first_moment_of(date, &zone));
    moment.ok().or_else(date).map(Some).ok_or_else(|| {
        let detail = "must be a time such as 2026-01-31T18:30:00Z, or a date";
        let violation = Violation { pointer: pointer.to_owned(), code: "malformed", detail: detail.to_owned() };
        Problem::new(Code::InvalidRequest, format!("A query parameter {detail}.")).errors(vec![violation])
    })
}

/// `tz`, a name of the IANA time zone database.
pub fn zone_in(name: Option<&str>, violations: &mut Violations) -> Option<Tz> {
    let zone = name.unwrap_or("UTC").parse::<Tz>();
    zone.inspect_err(|_| violations.add("/tz", "unknown-time-zone", "must be a time zone such as Europe/Berlin")).ok()
}

/// `interval`
pub fn interval_in(name: Option<&str>, violations: &mut Violations) -> Option<SalesInterval> {
    match name.unwrap_or("day") {
        "hour" => Some(SalesInterval::Hour),
        "day" => Some(SalesInterval::Day),
        "week" => Some(SalesInterval::Week),
        _ => {
            violations.add("/interval", "unknown-interval", "must be hour, day or week");
            None
        }
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = TopItem)]
pub struct TopItemResponse {
    menu_item_id: Uuid,
    /// The menu item's name today.
    name: String,
    /// Portions.
    quantity: u64,
    /// What the quantity cost at the prices of their orders.
    revenue: MoneyResponse,
}

impl From<&TopItem> for TopItemResponse {
    fn from(item: &TopItem) -> Self {
        Self {
            menu_item_id: item.menu_item_id.as_uuid(),
            name: item.name.as_str().to_owned(),
            quantity: item.quantity,
            revenue: item.revenue.into(),
        }
    }
}

#[derive(Serialize, ToSchema)]
pub struct TopItems {
    pub data: Vec<TopItemResponse>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Sales)]
pub struct SalesResponse {
    /// The first moment of the interval.
    from: WireTime,
    /// The first moment after it.
    to: WireTime,
    /// Orders placed and not cancelled.
    orders: u64,
    /// Portions.
    quantity: u64,
    revenue: MoneyResponse,
    /// Money that came in during the interval, whatever order it was for.
    paid: MoneyResponse,
    /// Money that went back.
    refunded: MoneyResponse,
}

impl From<&Sales> for SalesResponse {
    fn from(sales: &Sales) -> Self {
        Self {
            from: WireTime(sales.period.from()),
            to: WireTime(sales.period.to()),
            orders: sales.orders,
            quantity: sales.quantity,
            revenue: sales.revenue.into(),
            paid: sales.paid.into(),
            refunded: sales.refunded.into(),
        }
    }
}

#[derive(Serialize, ToSchema)]
pub struct SalesReport {
    pub data: Vec<SalesResponse>,
}
