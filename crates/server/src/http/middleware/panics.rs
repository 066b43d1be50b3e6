//! Requests whose work panicked: a mistake of ours, which is no reason to close the client's connection.

use std::any::Any;

use metrics::counter;

use crate::http::problem::{Code, Problem};

const PANICS: &str = "comanda_handler_panics_total";

/// Counts none so far: the first panic must be seen as a rise.
pub fn expect_none() {
    counter!(PANICS).increment(0);
}

/// The problem of a request whose work panicked. Logs it in the span of the request; file and line are in what the
/// panic itself has written.
pub fn panicked(panic: &(dyn Any + Send)) -> Problem {
    counter!(PANICS).increment(1);
    let message = panic.downcast_ref::<&str>().copied();
    let message = message.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    tracing::error!(panic = message, "a request's work panicked");
    Problem::new(Code::Internal, "Something went wrong.")
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        rc::Rc,
        sync::{Arc, Mutex},
        time::Duration,
    };

    use actix_web::{
        App, Error, HttpResponse,
        body::to_bytes,
        dev::ServiceRequest,
        middleware::from_fn,
        test::{TestRequest, init_service, try_call_service},
        web,
    };
    use metrics_exporter_prometheus::PrometheusBuilder;
    use serde_json::Value;
    use tracing_subscriber::fmt::MakeWriter;

    use super::*;
    use crate::http::{
        middleware::{
            Admission, Budgets, ClientAddresses, REQUEST_ID_HEADER, Serving, envelope, run_to_completion, serve,
        },
        routes::{Class, ENDPOINTS},
    };

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl MakeWriter<'_> for Log {
        type Writer = Self;

        fn make_writer(&self) -> Self {
            self.clone()
        }
    }

    fn serving() -> Rc<Serving> {
        let time = Duration::from_secs(5);
        let budgets = Budgets { read: time, report: time, write: time, password: time };
        let (admission, clients) = (Admission::new(1), ClientAddresses::behind(&[]));
        Rc::new(Serving { admission, budgets, clients, traced: false })
    }

    async fn at_once() -> HttpResponse {
        panic!("at once")
    }

    async fn later() -> HttpResponse {
        tokio::task::yield_now().await;
        panic!("{}", "later")
    }

    async fn driven_to_its_end() -> Result<HttpResponse, Error> {
        Ok(run_to_completion(async { panic!("driven to its end") }).await?)
    }

    #[actix_web::test]
    async fn a_handler_that_panics_responds_with_a_problem_and_is_logged_and_counted() {
        let log = Log::default();
        let subscriber = tracing_subscriber::fmt().json().with_span_list(false).with_writer(log.clone()).finish();
        let _logging = tracing::subscriber::set_default(subscriber);
        let recorder = PrometheusBuilder::new().build_recorder();
        let metrics = recorder.handle();
        let _recording = metrics::set_default_local_recorder(&recorder);
        expect_none();
        assert!(metrics.render().contains("comanda_handler_panics_total 0"), "{}", metrics.render());

        let serving = serving();
        // What is served from memory gets its span only when it first has to wait.
        let memory = ENDPOINTS.iter().find(|endpoint| endpoint.class == Class::Memory);
        let write = ENDPOINTS.iter().find(|endpoint| endpoint.class == Class::Write);
        let around = |endpoint| {
            let serving = Rc::clone(&serving);
            from_fn(move |request: ServiceRequest, next| serve(endpoint, Rc::clone(&serving), request, next))
        };
        let app = App::new()
            .service(web::resource("/memory").wrap(around(memory)).to(at_once))
            .service(web::resource("/write").wrap(around(write)).to(later))
            .service(web::resource("/driven").wrap(around(write)).to(driven_to_its_end))
            .wrap(from_fn(envelope));
        let app = init_service(app).await;
        for (path, message) in [("/memory", "at once"), ("/write", "later"), ("/driven", "driven to its end")] {
            let id = format!("a-request-to{}", path.replace('/', "-"));
            let request = TestRequest::with_uri(path).insert_header((REQUEST_ID_HEADER, id.as_str()));
            // The one place among the admitted is free again each time.
            let response = match try_call_service(&app, request.to_request()).await {
                Ok(response) => response.into_parts().1.map_into_boxed_body(),
                Err(error) => error.error_response(),
            };
            assert_eq!(response.status(), 500, "{path}");
            assert_eq!(response.headers().get(REQUEST_ID_HEADER).unwrap(), id.as_str());
            let body = to_bytes(response.into_body()).await.unwrap();
            let problem: Value = serde_json::from_slice(&body).unwrap();
            assert_eq!((&problem["code"], &problem["instance"]), (&"internal".into(), &id.clone().into()));
            assert!(!problem.to_string().contains(message), "{problem}");

            let log = String::from_utf8(std::mem::take(&mut *log.0.lock().unwrap())).unwrap();
            let logged: Value = serde_json::from_str(log.lines().next().unwrap()).unwrap();
            assert_eq!((&logged["level"], &logged["fields"]["panic"]), (&"ERROR".into(), &message.into()), "{logged}");
            assert_eq!(logged["span"]["request_id"], id, "{logged}");
        }
        assert!(metrics.render().contains("comanda_handler_panics_total 3"), "{}", metrics.render());
    }
}
