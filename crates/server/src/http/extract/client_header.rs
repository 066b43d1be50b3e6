use std::{
    convert::Infallible,
    future::{Ready, ready},
};

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header};
use comanda_domain::ClientName;

use crate::http::openapi::Describe;

/// What the client calls itself (`User-Agent`), cut to what is stored; `None` if that cannot be shown. It is shown to
/// the account's owner and decides nothing.
pub struct ClientHeader(pub Option<ClientName>);

impl FromRequest for ClientHeader {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let text = request.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        let text: Option<String> = text.map(|text| text.chars().take(ClientName::MAX).collect());
        ready(Ok(Self(text.and_then(|text| ClientName::new(&text).ok()))))
    }
}

impl Describe for ClientHeader {}
