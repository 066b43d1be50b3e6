use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, dev::Payload, web};
use comanda_domain::{
    email::Email,
    feature_flag::FeatureFlag,
    ids::{AccountId, MenuItemId, OrderId, PaymentId},
};
use uuid::Uuid;

use crate::http::problem::Problem;

/// What is no id names nothing: 404, like an id that nothing has.
fn id_in(request: &HttpRequest, what: &str) -> Result<Uuid, Problem> {
    request.match_info().get("id").and_then(|text| text.parse().ok()).ok_or_else(|| Problem::not_found(what))
}

/// `{id}` of a menu item.
pub struct MenuItemIdPath(pub MenuItemId);

impl FromRequest for MenuItemIdPath {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(id_in(request, "menu item").map(|id| Self(MenuItemId::new(id))))
    }
}

/// `{id}` of an order.
pub struct OrderIdPath(pub OrderId);

impl FromRequest for OrderIdPath {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(id_in(request, "order").map(|id| Self(OrderId::new(id))))
    }
}

/// `{id}` of an order and `{payment_id}` of one of its payments.
pub struct PaymentPath {
    pub order_id: OrderId,
    pub payment_id: PaymentId,
}

impl FromRequest for PaymentPath {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let payment = request.match_info().get("payment_id").and_then(|text| text.parse().ok());
        let ids = id_in(request, "order").and_then(|order| {
            let payment: Uuid = payment.ok_or_else(|| Problem::not_found("payment"))?;
            Ok(Self { order_id: OrderId::new(order), payment_id: PaymentId::new(payment) })
        });
        ready(ids)
    }
}

/// `{id}` of an account.
pub struct AccountIdPath(pub AccountId);

impl FromRequest for AccountIdPath {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(id_in(request, "account").map(|id| Self(AccountId::new(id))))
    }
}

/// `{id}` of a dead letter.
pub struct LetterPath(pub i64);

impl FromRequest for LetterPath {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let id = request.match_info().get("id").and_then(|text| text.parse().ok());
        ready(id.map(Self).ok_or_else(|| Problem::not_found("dead letter")))
    }
}

/// `{name}` of a feature flag.
pub struct FlagPath(pub FeatureFlag);

impl FromRequest for FlagPath {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let flag = request.match_info().get("name").and_then(|name| name.parse().ok());
        ready(flag.map(Self).ok_or_else(|| Problem::not_found("feature flag")))
    }
}

/// `{email}` of an account, or of none.
pub struct EmailPath(pub Email);

impl FromRequest for EmailPath {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let email = web::Path::<String>::extract(request).into_inner().ok();
        let email = email.and_then(|text| Email::new(&text).ok());
        ready(email.map(Self).ok_or_else(|| Problem::not_found("lock")))
    }
}
