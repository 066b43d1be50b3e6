use actix_web::{FromRequest, HttpRequest, dev::Payload};
use comanda_domain::{Actor, StaffMember, Timestamp};
use futures_util::future::{FutureExt, LocalBoxFuture};

use super::{SignedIn, Staff, actor::staff};
use crate::http::{
    app::App,
    openapi::{Describe, Description},
    problem::{Code, Problem},
};

/// Anyone with an account, who stays for a while.
#[derive(Clone, Copy)]
pub struct Watcher {
    pub actor: Actor,
    /// When the credential has expired, or has to be renewed.
    pub until: Timestamp,
}

impl FromRequest for Watcher {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let signed_in = SignedIn::from_request(request, payload);
        let request = request.clone();
        async move {
            let SignedIn(actor) = signed_in.await?;
            let app = App::of(&request)?;
            Ok(Self { actor, until: app.authenticator.believed_until(&request, &app.sessions) })
        }
        .boxed_local()
    }
}

impl Describe for Watcher {
    fn describe(description: &mut Description) {
        SignedIn::describe(description);
        // There may be too many of them.
        description.problems(&[Code::RateLimited]);
    }
}

/// Staff and admins, who stay for a while.
pub struct StaffWatcher(pub StaffMember, pub Watcher);

impl FromRequest for StaffWatcher {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let watcher = Watcher::from_request(request, payload);
        let request = request.clone();
        async move {
            let watcher = watcher.await?;
            Ok(Self(staff(&request, Some(watcher.actor))?, watcher))
        }
        .boxed_local()
    }
}

impl Describe for StaffWatcher {
    fn describe(description: &mut Description) {
        Staff::describe(description);
        Watcher::describe(description);
        // The station may be gone.
        description.problems(&[Code::NotFound, Code::ValidationFailed]);
    }
}
