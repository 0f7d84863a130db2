//! What the API counts, for Prometheus. Labels are routes, never paths: their number is bounded.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{Method, StatusCode};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

/// Counters of the API; clones share them.
#[derive(Clone, Debug)]
pub struct Metrics {
    requests: Family<Served, Counter>,
    duration: Family<Route, Histogram>,
    in_flight: Gauge,
    connections: Gauge,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    method: &'static str,
    route: Arc<str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Served {
    method: &'static str,
    route: Arc<str>,
    status: u16,
}

impl Metrics {
    /// Registers the counters with `registry`.
    #[must_use]
    pub fn new(registry: &mut Registry) -> Self {
        let metrics = Self {
            requests: Family::default(),
            duration: Family::new_with_constructor(|| {
                Histogram::new(exponential_buckets(0.000_5, 2.0, 17))
            }),
            in_flight: Gauge::default(),
            connections: Gauge::default(),
        };
        let (requests, duration) = (metrics.requests.clone(), metrics.duration.clone());
        registry.register(
            "http_requests",
            "Requests answered, by route and status",
            requests,
        );
        registry.register_with_unit(
            "http_request_duration",
            "Time to answer a request, waiting for outcomes included",
            Unit::Seconds,
            duration,
        );
        let (in_flight, connections) = (metrics.in_flight.clone(), metrics.connections.clone());
        registry.register("http_requests_in_flight", "Requests in progress", in_flight);
        registry.register("http_connections", "Open connections", connections);
        metrics
    }

    /// Counts a request as in progress until the guard is dropped.
    pub(crate) fn in_flight(&self) -> Counted {
        Counted::new(&self.in_flight)
    }

    /// Counts a connection as open until the guard is dropped.
    pub(crate) fn connection(&self) -> Counted {
        Counted::new(&self.connections)
    }

    pub(crate) fn served(
        &self,
        method: &Method,
        route: Arc<str>,
        status: StatusCode,
        took: Duration,
    ) {
        let method = label(method);
        let by_route = Route {
            method,
            route: route.clone(),
        };
        self.duration
            .get_or_create(&by_route)
            .observe(took.as_secs_f64());
        let served = Served {
            method,
            route,
            status: status.as_u16(),
        };
        self.requests.get_or_create(&served).inc();
    }
}

/// One in a gauge, until it is dropped.
#[derive(Debug)]
pub(crate) struct Counted(Gauge);

impl Counted {
    fn new(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Clients may invent methods; labels may not.
fn label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "(other)",
    }
}
