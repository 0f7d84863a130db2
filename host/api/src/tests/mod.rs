//! The API against a scripted platform.

mod data;
mod document;
mod ingress;
mod operator;
mod plugins;
mod previews;
mod probes;
mod query;
mod routing;
mod server;
mod stories;
mod topics;
mod waiting;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request as HttpRequest, StatusCode};
use bytes::Bytes;
use http_body_util::BodyExt;
use prometheus_client::registry::Registry;
use serde_json::Value;
use tokio::sync::oneshot;
use tower::ServiceExt;
use wasmill_model::http::{Accepted, Problem, Request, Response};
use wasmill_model::routes::{Ingress, IngressKey, QueryRoute};
use wasmill_model::{Message, MessageId, Millis, Name, PartitionId, Routes};
use wasmill_port::guest;
use wasmill_service::{AcceptError, Incoming, QueryError, Receipt, Told};

use crate::{Api, Limits, Metrics, Platform};

/// The id that the scripted platform gives every message.
const ID: MessageId = MessageId(7);

type Admit = Box<dyn Fn(&Request) -> Result<Result<Accepted, Problem>, guest::Error> + Send + Sync>;
type Accept = Box<dyn Fn(&Incoming) -> Result<bool, AcceptError> + Send + Sync>;
type Query = Box<dyn Fn(&Name, &Request) -> Result<Response, QueryError> + Send + Sync>;

/// A platform that does what a test says.
struct Script {
    admit: Admit,
    /// Whether the message is a duplicate.
    accept: Accept,
    query: Query,
    /// The stories of every key.
    told: Told,
    /// What was taken in.
    incoming: Mutex<Vec<Incoming>>,
    /// Those who wait for an outcome.
    waiting: Mutex<Vec<oneshot::Sender<Arc<Message>>>>,
}

impl Default for Script {
    /// Admits everything under the key `k`, takes everything in, answers every query with `{}`.
    fn default() -> Self {
        Self {
            admit: Box::new(|request| Ok(Ok(admitted(request)))),
            accept: Box::new(|_| Ok(false)),
            query: Box::new(|_, _| Ok(response(200, "{}", false))),
            told: Told::default(),
            incoming: Mutex::default(),
            waiting: Mutex::default(),
        }
    }
}

#[derive(Clone)]
struct Scripted(Arc<Script>);

impl Platform for Scripted {
    async fn accept(&self, incoming: Incoming) -> Result<Receipt, AcceptError> {
        let duplicate = (self.0.accept)(&incoming)?;
        let outcome = (!incoming.wait_for.is_empty()).then(|| {
            let (sender, receiver) = oneshot::channel();
            self.0.waiting.lock().expect("unpoisoned").push(sender);
            receiver
        });
        self.0.incoming.lock().expect("unpoisoned").push(incoming);
        Ok(Receipt {
            partition: PartitionId(0),
            message: ID,
            duplicate,
            outcome,
            delayed: None,
        })
    }

    async fn accept_all(
        &self,
        all: Vec<Incoming>,
    ) -> Result<Vec<Result<Receipt, AcceptError>>, AcceptError> {
        let mut results = Vec::new();
        for incoming in all {
            results.push(self.accept(incoming).await);
        }
        Ok(results)
    }

    async fn admit(
        &self,
        _: &Name,
        request: Request,
    ) -> Result<Result<Accepted, Problem>, guest::Error> {
        (self.0.admit)(&request)
    }

    async fn query(&self, _: &Name, key: &Name, request: Request) -> Result<Response, QueryError> {
        (self.0.query)(key, &request)
    }
}

fn admitted(request: &Request) -> Accepted {
    Accepted {
        key: Some("k".into()),
        dedup_id: None,
        tag: None,
        headers: Vec::new(),
        body: request.body.clone(),
        answer: Bytes::from_static(b"{\"order_id\":\"k\"}"),
    }
}

fn response(status: u16, body: &'static str, settled: bool) -> Response {
    Response {
        status,
        headers: Vec::new(),
        body: Bytes::from_static(body.as_bytes()),
        settled,
    }
}

/// A message that is a flow's outcome.
fn outcome(topic: &str, body: &'static str) -> Arc<Message> {
    Arc::new(Message {
        id: MessageId(8),
        topic: topic.into(),
        key: None,
        tag: None,
        headers: Vec::new(),
        body: Bytes::from_static(body.as_bytes()),
        produced_at: Millis(0),
        correlation: ID,
        causation: None,
        timer: None,
    })
}

/// `POST /orders` by a gate, with an outcome to wait for.
fn orders() -> Ingress {
    Ingress {
        method: "POST".into(),
        path: "/orders".into(),
        topic: "order.placed".into(),
        gate: Some("order".into()),
        key: None,
        dedup_id: None,
        dedup_window: Duration::from_secs(60),
        wait_for: vec!["order.confirmed".into()],
        query: Some("/orders/{key}".into()),
        body_bytes_max: 100,
        answer: 202,
    }
}

/// `PUT /stock/{sku}` without a gate.
fn stock() -> Ingress {
    Ingress {
        method: "PUT".into(),
        path: "/stock/{sku}".into(),
        gate: None,
        key: Some(IngressKey::Path("sku".into())),
        wait_for: Vec::new(),
        query: None,
        ..orders()
    }
}

/// `POST /payments` without a gate, whose id is in the body.
fn payments() -> Ingress {
    Ingress {
        path: "/payments".into(),
        key: None,
        dedup_id: Some(IngressKey::Pointer("/payment_id".into())),
        method: "POST".into(),
        ..stock()
    }
}

fn routes() -> Routes {
    let mut routes = Routes::default();
    routes.ingress = [orders(), stock(), payments()].map(Arc::new).to_vec();
    let query = |path: &str, key: &str| {
        Arc::new(QueryRoute {
            path: path.into(),
            plugin: "order".into(),
            key: key.into(),
            broadcast: false,
        })
    };
    routes.queries = vec![query("/orders/{id}", "{id}"), query("/quote", "{?sku}")];
    routes
}

fn closed_api(limits: Limits) -> Api<Scripted> {
    let mut registry = Registry::default();
    let metrics = Metrics::new(&mut registry);
    Api::new(limits, metrics, Arc::new(registry), &routes()).expect("routes without conflicts")
}

fn api_with(limits: Limits, script: Script) -> (Api<Scripted>, Arc<Script>) {
    let api = closed_api(limits);
    let script = Arc::new(script);
    let plugins = Arc::new(plugins::Shelf);
    api.open(Scripted(script.clone()), plugins, || vec!["stock".into()]);
    (api, script)
}

fn api(script: Script) -> (Api<Scripted>, Arc<Script>) {
    api_with(Limits::default(), script)
}

/// An answer, read to its end.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().expect("text"))
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    /// Checks that this is a problem; returns its detail.
    #[track_caller]
    fn problem(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{:?}", self.body);
        assert_eq!(self.header("content-type"), "application/problem+json");
        let json = self.json();
        assert_eq!(json["status"], status);
        json["detail"].as_str().expect("a detail").to_owned()
    }
}

fn request(method: &str, path: &str, body: impl Into<Body>) -> HttpRequest<Body> {
    HttpRequest::builder()
        .method(method)
        .uri(path)
        .body(body.into())
        .expect("a request")
}

async fn send(api: &Api<Scripted>, request: HttpRequest<Body>) -> Answer {
    send_to(api.router(), request).await
}

async fn send_to(router: Router, request: HttpRequest<Body>) -> Answer {
    let response = router.oneshot(request).await.expect("never fails");
    let (parts, body) = response.into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    Answer {
        status: parts.status,
        headers: parts.headers,
        body,
    }
}

async fn post(api: &Api<Scripted>, path: &str, body: impl Into<Body>) -> Answer {
    send(api, request("POST", path, body)).await
}

async fn get(api: &Api<Scripted>, path: &str) -> Answer {
    send(api, request("GET", path, Body::empty())).await
}
