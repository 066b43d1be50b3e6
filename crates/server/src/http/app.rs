use std::sync::Arc;

use actix_web::{HttpRequest, web::Data};
use comanda_application::{
    Accounts, Events, Kitchen, Live, Menu, Operations, Orders, Payments, Sales, Sessions, Supplies,
};
use comanda_domain::Currency;
use comanda_identity::TokenKeys;
use comanda_stripe::OfflineGateway;

use super::{
    extract::{Authenticator, CursorSigner, DeviceTokens, RateLimiter},
    live::Streams,
    menu::MenuRenderer,
    openapi::Docs,
    operations::Health,
    pages::Pages,
    problem::{Code, Problem},
};

/// What a handler can ask for as [`Service<T>`](super::extract::Service).
pub trait Provides<T> {
    fn provide(&self) -> &T;
}

/// Declares the struct, and that it provides each of its fields.
macro_rules! app {
    ($(#[$doc:meta])* $app:ident { $($field:ident: $service:ty,)* }) => {
        $(#[$doc])*
        pub struct $app {
            $(pub $field: $service,)*
        }

        $(impl Provides<$service> for $app {
            fn provide(&self) -> &$service {
                &self.$field
            }
        })*
    };
}

app! {
    /// Everything that handlers work with. The composition root fills it; what is left out there does not compile.
    App {
        orders: Orders,
        live: Live,
        menu: Menu,
        supplies: Supplies,
        kitchen: Kitchen,
        accounts: Accounts,
        sessions: Sessions,
        events: Events,
        sales: Sales,
        operations: Operations,
        payments: Payments,
        offline_gateway: Option<Arc<OfflineGateway>>,
        authenticator: Authenticator,
        rate_limiter: RateLimiter,
        devices: DeviceTokens,
        cursors: CursorSigner,
        menu_renderer: MenuRenderer,
        pages: Pages,
        streams: Streams,
        token_keys: Arc<TokenKeys>,
        currency: Currency,
        docs: Docs,
        health: Health,
    }
}

impl App {
    /// The one that serves this request.
    pub(super) fn of(request: &HttpRequest) -> Result<&Data<Self>, Problem> {
        request.app_data::<Data<Self>>().ok_or_else(|| Problem::new(Code::Internal, "Something went wrong."))
    }
}
