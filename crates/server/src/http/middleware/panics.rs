//! Requests whose work panicked: a mistake of ours, which is no reason to close the client's connection.

use std::any::Any;

use crate::http::problem::{Code, Problem};

/// The problem of a request whose work panicked, wherever that was done. Counts the panic, and logs it in the span of
/// the request.
pub fn panicked(panic: &(dyn Any + Send)) -> Problem {
    comanda_task::report(panic);
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
        http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CONTENT_TYPE, ORIGIN, RETRY_AFTER},
        middleware::from_fn,
        test::{TestRequest, init_service, try_call_service},
        web,
    };
    use comanda_domain::ports::Unavailable;
    use comanda_resilience::Breaker;
    use metrics_exporter_prometheus::PrometheusBuilder;
    use serde_json::Value;
    use tokio::sync::Notify;
    use tracing_subscriber::fmt::MakeWriter;

    use super::*;
    use crate::http::{
        cors,
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

    /// As a transaction of a request that is driven to its end, behind a breaker.
    async fn in_a_task(breaker: web::Data<Breaker>) -> Result<HttpResponse, Error> {
        let transaction = async move {
            let task = tokio::spawn(comanda_task::caught::<u8>(async { panic!("in a task") }));
            breaker.call(async { comanda_task::finished(task).await.map_err(Unavailable::new) }).await
        };
        let outcome = run_to_completion(transaction).await?;
        Ok(outcome.map(|_| HttpResponse::Ok().finish()).map_err(Problem::from)?)
    }

    #[actix_web::test]
    async fn a_handler_that_panics_responds_with_a_problem_and_is_logged_and_counted() {
        let log = Log::default();
        // While there is just one subscriber in the process, another test that is the first to log from a place
        // decides, without a subscriber, that the place never logs. With two, all of them are asked.
        let _second = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::default());
        let subscriber = tracing_subscriber::fmt().json().with_span_list(false).with_writer(log.clone()).finish();
        let _logging = tracing::subscriber::set_default(subscriber);
        let recorder = PrometheusBuilder::new().build_recorder();
        let metrics = recorder.handle();
        let _recording = metrics::set_default_local_recorder(&recorder);
        comanda_task::expect_no_panics();
        assert!(metrics.render().contains("comanda_handler_panics_total 0"), "{}", metrics.render());

        let serving = serving();
        // What is served from memory gets its span only when it first has to wait.
        let memory = ENDPOINTS.iter().find(|endpoint| endpoint.class == Class::Memory);
        let write = ENDPOINTS.iter().find(|endpoint| endpoint.class == Class::Write);
        let around = |endpoint| {
            let serving = Rc::clone(&serving);
            from_fn(move |request: ServiceRequest, next| serve(endpoint, Rc::clone(&serving), request, next))
        };
        // Opens at the first failure.
        let breaker = web::Data::new(Breaker::new("test", "minimum_calls=1 failure_percent=1".parse().unwrap()));
        let app = App::new()
            .app_data(breaker.clone())
            .service(web::resource("/task").wrap(around(write)).to(in_a_task))
            .service(web::resource("/memory").wrap(around(memory)).to(at_once))
            .service(web::resource("/write").wrap(around(write)).to(later))
            .service(web::resource("/driven").wrap(around(write)).to(driven_to_its_end))
            .wrap(cors(&["https://shop.example".to_owned()]))
            .wrap(from_fn(envelope));
        let app = init_service(app).await;
        for (path, message) in [
            ("/memory", "at once"),
            ("/write", "later"),
            ("/driven", "driven to its end"),
            ("/task", "in a task"),
            ("/task", "in a task"),
        ] {
            let id = format!("a-request-to{}", path.replace('/', "-"));
            let request = TestRequest::with_uri(path).insert_header((REQUEST_ID_HEADER, id.as_str()));
            let request = request.insert_header((ORIGIN, "https://shop.example"));
            // The one place among the admitted is free again each time.
            let response = match try_call_service(&app, request.to_request()).await {
                Ok(response) => response.into_parts().1.map_into_boxed_body(),
                Err(error) => error.error_response(),
            };
            assert_eq!(response.status(), 500, "{path}");
            assert_eq!(response.headers().get(REQUEST_ID_HEADER).unwrap(), id.as_str());
            assert_eq!(response.headers().get(ACCESS_CONTROL_ALLOW_ORIGIN).unwrap(), "https://shop.example");
            let body = to_bytes(response.into_body()).await.unwrap();
            let problem: Value = serde_json::from_slice(&body).unwrap();
            assert_eq!((&problem["code"], &problem["instance"]), (&"internal".into(), &id.clone().into()));
            assert!(!problem.to_string().contains(message), "{problem}");

            let log = String::from_utf8(std::mem::take(&mut *log.0.lock().unwrap())).unwrap();
            let logged: Value = serde_json::from_str(log.lines().next().unwrap()).unwrap();
            assert_eq!((&logged["level"], &logged["fields"]["panic"]), (&"ERROR".into(), &message.into()), "{logged}");
            assert_eq!(logged["span"]["request_id"], id, "{logged}");
        }
        assert!(metrics.render().contains("comanda_handler_panics_total 5"), "{}", metrics.render());
        assert!(breaker.call(async { Ok::<_, Unavailable>(()) }).await.is_ok(), "no breaker has counted any of them");
    }

    #[actix_web::test]
    async fn a_panic_is_counted_when_the_client_has_gone() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let metrics = recorder.handle();
        let _recording = metrics::set_default_local_recorder(&recorder);
        let go_on = Rc::new(Notify::new());
        let work = {
            let go_on = Rc::clone(&go_on);
            async move {
                go_on.notified().await;
                panic!("in this test")
            }
        };
        let mut waiting = Box::pin(run_to_completion::<()>(work));
        assert!(futures_util::poll!(waiting.as_mut()).is_pending());
        drop(waiting);
        go_on.notify_one();
        while !metrics.render().contains("comanda_handler_panics_total 1") {
            tokio::task::yield_now().await;
        }
    }

    #[actix_web::test]
    async fn a_browser_sees_that_there_is_no_place_or_no_time() {
        let (serving, fast) = (serving(), Duration::from_millis(1));
        let budgets = Budgets { read: fast, report: fast, write: fast, password: fast };
        let short = Rc::new(Serving { budgets, admission: Admission::new(1), ..(*serving).clone() });
        let read = ENDPOINTS.iter().find(|endpoint| endpoint.class == Class::Read);
        let around = |serving: &Rc<Serving>| {
            let serving = Rc::clone(serving);
            from_fn(move |request: ServiceRequest, next| serve(read, Rc::clone(&serving), request, next))
        };
        let forever = || std::future::pending::<HttpResponse>();
        let app = App::new()
            .service(web::resource("/full").wrap(around(&serving)).to(forever))
            .service(web::resource("/late").wrap(around(&short)).to(forever))
            .wrap(cors(&["https://shop.example".to_owned()]))
            .wrap(from_fn(envelope));
        let app = init_service(app).await;
        let _place = serving.admission.admit().unwrap();
        for path in ["/full", "/late"] {
            let request = TestRequest::with_uri(path).insert_header((ORIGIN, "https://shop.example"));
            let error = try_call_service(&app, request.to_request()).await.err().unwrap();
            let response = error.error_response();
            assert_eq!(response.status(), 503, "{path}");
            let headers = response.headers();
            assert_eq!(headers.get(ACCESS_CONTROL_ALLOW_ORIGIN).unwrap(), "https://shop.example", "{path}");
            assert!(headers.contains_key(RETRY_AFTER) && headers.contains_key(REQUEST_ID_HEADER), "{headers:?}");
            assert_eq!(headers.get(CONTENT_TYPE).unwrap(), "application/problem+json");
        }
    }
}
