use std::{
    future::{Ready, ready},
    marker::PhantomData,
    ops::Deref,
};

use actix_web::{FromRequest, HttpRequest, dev::Payload, web::Data};

use crate::http::{
    app::{App, Provides},
    openapi::Describe,
    problem::Problem,
};

/// One of the services of the [`App`]. A handler that asks for something the app does not have does not compile.
pub struct Service<T> {
    app: Data<App>,
    service: PhantomData<fn() -> T>,
}

impl<T> Deref for Service<T>
where
    App: Provides<T>,
{
    type Target = T;

    fn deref(&self) -> &T {
        self.app.provide()
    }
}

impl<T> FromRequest for Service<T>
where
    App: Provides<T>,
{
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(App::of(request).map(|app| Self { app: app.clone(), service: PhantomData }))
    }
}

impl<T> Describe for Service<T> {}
