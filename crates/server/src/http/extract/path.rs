use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, dev::Payload, web};
use comanda_domain::{
    AccountId, Email, FeatureFlag, IntentId, MenuItemId, OptionGroupId, OrderId, PaymentId, SessionId, StationId,
    SupplyId, TicketId,
};
use utoipa::{
    PartialSchema,
    openapi::{KnownFormat, ObjectBuilder, RefOr, Schema, SchemaFormat},
};
use uuid::Uuid;

use crate::http::{
    openapi::{Describe, Description, text},
    problem::{Code, Problem},
    wire::names,
};

/// A segment of the path. One that is no id names nothing: 404, like an id that nothing has.
pub struct Path<T>(pub T);

/// What a segment of a path can name.
pub trait Segment: Sized {
    /// Its name in the path.
    const NAME: &'static str;
    /// What there is none of when it names nothing.
    const WHAT: &'static str;

    /// `None`: it names nothing.
    fn read(request: &HttpRequest) -> Option<Self>;
    fn schema() -> RefOr<Schema>;
}

impl<T: Segment> FromRequest for Path<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(T::read(request).map(Self).ok_or_else(|| Problem::not_found(T::WHAT)))
    }
}

impl<T: Segment> Describe for Path<T> {
    fn describe(description: &mut Description) {
        description.segment(T::NAME, T::schema(), &format!("Which {}", T::WHAT));
        description.problems(&[Code::NotFound]);
    }
}

/// The number of a dead letter.
pub struct LetterNumber(pub i64);

/// A part of the page of documentation.
pub struct AssetName(pub String);

macro_rules! segments {
    ($($type:ty: $name:literal, $what:literal, $read:expr, $schema:expr;)+) => {
        $(impl Segment for $type {
            const NAME: &'static str = $name;
            const WHAT: &'static str = $what;

            fn read(request: &HttpRequest) -> Option<Self> {
                let read: fn(&HttpRequest) -> Option<Self> = $read;
                read(request)
            }

            fn schema() -> RefOr<Schema> {
                $schema.into()
            }
        })+
    };
}

segments! {
    MenuItemId: "id", "menu item", |request| id(request, "id").map(Self::new), uuid();
    OptionGroupId: "id", "option group", |request| id(request, "id").map(Self::new), uuid();
    SupplyId: "id", "supply", |request| id(request, "id").map(Self::new), uuid();
    StationId: "id", "station", |request| id(request, "id").map(Self::new), uuid();
    TicketId: "id", "ticket", |request| id(request, "id").map(Self::new), uuid();
    OrderId: "id", "order", |request| id(request, "id").map(Self::new), uuid();
    PaymentId: "payment_id", "payment", |request| id(request, "payment_id").map(Self::new), uuid();
    AccountId: "id", "account", |request| id(request, "id").map(Self::new), uuid();
    SessionId: "id", "session", |request| id(request, "id").map(Self::new), uuid();
    LetterNumber: "id", "dead letter", |request| request.match_info().get("id")?.parse().ok().map(Self), i64::schema();
    FeatureFlag: "name", "feature flag", |request| request.match_info().get("name")?.parse().ok(),
        names::FlagName::schema();
    Email: "email", "lock", |request| Self::attempt(&decoded(request)?).ok(), formatted(KnownFormat::Email);
    IntentId: "intent", "intent", |request| decoded(request).map(Self), text();
    Code: "code", "problem", |request| Code::named(request.match_info().get("code")?), names::ProblemCode::schema();
    AssetName: "file", "page", |request| decoded(request).map(Self), text();
}

fn uuid() -> ObjectBuilder {
    formatted(KnownFormat::Uuid)
}

fn formatted(format: KnownFormat) -> ObjectBuilder {
    text().format(Some(SchemaFormat::KnownFormat(format)))
}

fn id(request: &HttpRequest, name: &str) -> Option<Uuid> {
    request.match_info().get(name)?.parse().ok()
}

/// The only segment of the path, with every escape resolved.
fn decoded(request: &HttpRequest) -> Option<String> {
    web::Path::extract(request).into_inner().ok().map(web::Path::into_inner)
}
