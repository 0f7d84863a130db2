//! What a trial that is over leaves in memory: how it stood.

use std::sync::Arc;

use wasmill_model::routes::Routes;
use wasmill_model::{Millis, Name};
use wasmill_port::candidate::{CanaryPlan, Candidates, Ended, Plan, ShadowPlan};
use wasmill_port::plugins::Action;
use wasmill_port::{Clock, Plugins};

use crate::{Config, Registry};

struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> Millis {
        Millis(0)
    }

    fn raise(&self, _: Millis) {}
}

#[tokio::test]
async fn a_trial_that_is_over_costs_messages_nothing_and_keeps_no_code() {
    let data = tempfile::tempdir().expect("a directory");
    let routes = Arc::new(Routes::default());
    let registry = Registry::new(Config::new(data.path().into()), Arc::new(Stopped), routes);
    let registry = registry.expect("a registry");
    let name = Name::from("plugin");
    let install = async |guest: &str| {
        let component = wasmill_test_guests::bytes(guest);
        let installed = registry.install(&name, component.as_slice().into()).await;
        installed.expect("the guest loads")
    };
    install("counter").await;
    let pin = Action::Pin { version: None };
    registry.act(&name, pin).await.expect("it serves");
    let version = install("doubler").await.held.expect("pinned").version;
    let plans = [
        Plan::Canary(CanaryPlan::default()),
        Plan::Shadow(ShadowPlan::default()),
    ];
    for plan in plans {
        let tried = registry.try_version(&name, &version, plan).await;
        tried.expect("it begins");
        let running = registry.find(&name).expect("it serves");
        let candidate = registry
            .trials
            .beside(&running)
            .expect("messages may be its");
        let serving = candidate.serving.load_full().expect("it is under way");
        let code = Arc::downgrade(&serving.version);
        drop(serving);

        let stopped = Ended::Stopped;
        assert!(registry.end_trial(&name, stopped.clone()));
        assert!(registry.trials.under_way().is_empty(), "runs look at none");
        assert!(code.upgrade().is_none(), "its code is gone");
        // New settings bring nothing back.
        registry.renew();
        assert!(candidate.serving.load().is_none());
        assert_eq!(candidate.status().ended, Some(stopped));
    }
}
