//! Prints what one handler call costs: pooled in long runs, pooled one by one, fresh each time.
//! The guest reads a state entry, writes it and sends a message.
//!
//! `cargo run --release -p wasmill-wasm --example call_cost`

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use wasmill_model::effects::Scope;
use wasmill_model::routes::{Isolation, PluginSettings, Routes, Subscription, TopicPattern};
use wasmill_model::{Message, MessageId, Millis, Name};
use wasmill_port::run::{Delivery, Run, RunContext};
use wasmill_port::{Clock, Guests, Plugins, StateReader, store};
use wasmill_wasm::{Config, Registry};

const PLUGIN: &str = "counter";

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let data = tempfile::tempdir().expect("a temporary directory");
    let pooled = routes(Isolation::Pooled);
    let config = Config {
        data: data.path().to_owned(),
    };
    let registry = Registry::new(config, Arc::new(Stopped), pooled.clone()).expect("a registry");
    let component = wasmill_test_guests::bytes("counter");
    let installing = Instant::now();
    registry
        .install(&PLUGIN.into(), component.as_slice().into())
        .await
        .expect("the guest loads");
    println!("compiled, checked and kept in {:?}", installing.elapsed());

    measure(&registry, &pooled, "pooled, runs of 256", 256, 400_000).await;
    measure(&registry, &pooled, "pooled, runs of 1", 1, 200_000).await;
    let fresh = routes(Isolation::PerMessage);
    registry.set_routes(fresh.clone());
    measure(&registry, &fresh, "fresh for each message", 1, 20_000).await;
}

async fn measure(registry: &Registry, routes: &Arc<Routes>, what: &str, run: usize, calls: usize) {
    let make_run = || {
        let context = RunContext {
            routes: routes.clone(),
            reader: Arc::new(NoState),
            clock: Arc::new(Stopped),
            preparer: None,
        };
        let deliveries = (0..run).map(delivery).collect();
        Run::new(
            context,
            PLUGIN.into(),
            deliveries,
            Arc::default(),
            Duration::MAX,
        )
    };
    let (mut spent, mut fuel) = (Duration::ZERO, 0);
    for round in 0..calls / run {
        let run = make_run();
        let began = Instant::now();
        let outcomes = registry.handle(run).await;
        // The first rounds warm up.
        if round * 10 >= calls / outcomes.len() {
            spent += began.elapsed();
        }
        fuel = outcomes
            .last()
            .and_then(|it| it.call)
            .map_or(0, |call| call.called.fuel);
        assert!(outcomes.iter().all(|outcome| outcome.result.is_ok()));
    }
    let counted = calls - calls / 10;
    let each = spent.as_nanos() / u128::try_from(counted).expect("it fits");
    println!("{what:<24}{each:>8} ns a call, {fuel} fuel");
}

fn routes(isolation: Isolation) -> Arc<Routes> {
    let topics = ["in", "counted"].map(TopicPattern::new).to_vec();
    let settings = Arc::new(PluginSettings {
        isolation,
        ..PluginSettings::default()
    });
    let subscriptions = vec![Subscription::new("in", "in", PLUGIN)];
    let mut routes = Routes::new(topics, subscriptions);
    routes.plugins = BTreeMap::from([(Name::from(PLUGIN), settings)]);
    Arc::new(routes)
}

fn delivery(index: usize) -> Delivery {
    let message = Message {
        id: MessageId(index as u128),
        topic: "in".into(),
        key: Some("key".into()),
        tag: None,
        headers: Vec::new(),
        body: Bytes::from_static(&[b'x'; 256]),
        produced_at: Millis(0),
        correlation: MessageId(index as u128),
        causation: None,
        timer: None,
    };
    Delivery {
        subscription: "in".into(),
        key: Some("key".into()),
        message: Arc::new(message),
        attempt: 1,
    }
}

struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> Millis {
        Millis(0)
    }

    fn raise(&self, _floor: Millis) {}
}

struct NoState;

impl StateReader for NoState {
    fn get(&self, _scope: &Scope, _name: &str) -> Result<Option<Bytes>, store::Error> {
        Ok(None)
    }

    fn scan(
        &self,
        _scope: &Scope,
        _prefix: &str,
        _after: Option<&str>,
        _limit: usize,
    ) -> Result<Vec<(Name, Bytes)>, store::Error> {
        Ok(Vec::new())
    }
}
