//! What the data API needs of the platform, so that it can be tested against a scripted one.

use std::future::Future;
use std::sync::Arc;

use wasmill_model::effects::{Delayed, Scope};
use wasmill_model::half::CheckPolicy;
use wasmill_model::record::DeadLetter;
use wasmill_model::{Decision, MessageId, Name, Start};
use wasmill_port::Choose;
use wasmill_port::guest::Guests;
use wasmill_service::{
    DelayedId, HalfId, Halted, Handle, LetterId, OperateError, Page, Previews, Recalled, Redriven,
    Resume, ScheduleStatus, Settled, Standing, SubscriptionStatus, Through, TopicPage,
    TopicStanding, Transaction, Transactions,
};

use super::look_up::LookUp;

type Result<T> = std::result::Result<T, OperateError>;

/// The platform as operators see it. What is done is durable when it returns.
pub trait Operator: LookUp + Clone + Send + Sync + 'static {
    /// At most `limit` dead letters after a given one, of one subscription or of all.
    fn dead_letters(
        &self,
        subscription: Option<&Name>,
        after: Option<&LetterId>,
        limit: usize,
    ) -> impl Future<Output = Result<Page>> + Send;

    /// A dead letter.
    fn dead_letter(&self, id: &LetterId) -> impl Future<Output = Result<DeadLetter>> + Send;

    /// Delivers a dead letter again.
    fn redrive(
        &self,
        id: &LetterId,
        through: Through<'_>,
    ) -> impl Future<Output = Result<()>> + Send;

    /// Delivers those of a subscription again that can be.
    fn redrive_all(
        &self,
        subscription: &Name,
        through: Through<'_>,
    ) -> impl Future<Output = Result<Redriven>> + Send;

    /// What a version would do with a dead letter.
    fn preview(
        &self,
        id: &LetterId,
        through: Through<'_>,
    ) -> impl Future<Output = Result<Previews>> + Send;

    /// What a version would do with those of a subscription after a given one.
    fn previews(
        &self,
        subscription: &Name,
        through: Through<'_>,
        after: Option<&LetterId>,
        limit: usize,
    ) -> impl Future<Output = Result<Previews>> + Send;

    /// Does away with a dead letter.
    fn purge(&self, id: &LetterId) -> impl Future<Output = Result<()>> + Send;

    /// Does away with those of a subscription; tells how many.
    fn purge_all(&self, subscription: &Name) -> impl Future<Output = Result<u64>> + Send;

    /// The plugin of a subscription of the routes.
    fn plugin_of(&self, subscription: &str) -> Option<Name>;

    /// How half messages to a topic are asked about.
    fn check_policy(&self, topic: &str) -> Arc<CheckPolicy>;

    /// A half message, or what was decided about it.
    fn transaction(&self, id: HalfId) -> impl Future<Output = Result<Transaction>> + Send;

    /// Settles a half message; tells what stands.
    fn settle(
        &self,
        id: HalfId,
        decision: Decision,
    ) -> impl Future<Output = Result<Settled>> + Send;

    /// At most `limit` unsettled half messages after a given one.
    fn transactions(
        &self,
        after: Option<HalfId>,
        limit: usize,
    ) -> impl Future<Output = Result<Transactions>> + Send;

    /// The state of every subscription.
    fn subscriptions(&self) -> impl Future<Output = Result<Vec<SubscriptionStatus>>> + Send;

    /// At most `limit` topics that the routes declare, after a given one, in the order of their
    /// names.
    fn topics(
        &self,
        after: Option<&str>,
        limit: usize,
    ) -> impl Future<Output = Result<TopicPage>> + Send;

    /// What declares a topic.
    fn topic(&self, name: &str) -> impl Future<Output = Result<Option<TopicStanding>>> + Send;

    /// Every schedule of the routes, and how it stands.
    fn schedules(&self) -> impl Future<Output = Result<Vec<ScheduleStatus>>> + Send;

    /// The keys that are halted, in one subscription or in all, at most `limit`.
    fn halted(
        &self,
        subscription: Option<&Name>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Halted>>> + Send;

    /// How a subscription stands.
    fn position(&self, subscription: &Name) -> impl Future<Output = Result<Standing>> + Send;

    /// Begins to move a subscription.
    fn move_to(
        &self,
        subscription: &Name,
        to: Start,
    ) -> impl Future<Output = Result<Standing>> + Send;

    /// Sets a subscription's halted keys going again, one or all; tells how many.
    fn resume(
        &self,
        subscription: &Name,
        key: Option<&Name>,
        how: Resume,
    ) -> impl Future<Output = Result<u64>> + Send;

    /// Takes a delayed message from outside back.
    fn recall(&self, id: DelayedId) -> impl Future<Output = Result<Recalled>> + Send;

    /// Takes a delayed message back that a handler of this scope sent.
    fn recall_sent(
        &self,
        scope: &Scope,
        message: MessageId,
    ) -> impl Future<Output = Result<Recalled>> + Send;

    /// A pending timer.
    fn timer(
        &self,
        scope: &Scope,
        name: &str,
    ) -> impl Future<Output = Result<Option<Delayed>>> + Send;

    /// At most `limit` pending timers after a given one, in the order of their names.
    fn timers(
        &self,
        scope: &Scope,
        after: Option<&str>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Delayed>>> + Send;

    /// Cancels a timer.
    fn cancel_timer(
        &self,
        scope: &Scope,
        name: &str,
    ) -> impl Future<Output = Result<Recalled>> + Send;
}

impl<G: Guests + Choose> Operator for Handle<G> {
    async fn dead_letters(
        &self,
        subscription: Option<&Name>,
        after: Option<&LetterId>,
        limit: usize,
    ) -> Result<Page> {
        Self::dead_letters(self, subscription, after, limit).await
    }

    fn plugin_of(&self, subscription: &str) -> Option<Name> {
        let routes = self.routes();
        Some(routes.subscription(subscription)?.plugin.clone())
    }

    fn check_policy(&self, topic: &str) -> Arc<CheckPolicy> {
        self.routes().check_policy(topic)
    }

    async fn transaction(&self, id: HalfId) -> Result<Transaction> {
        Self::transaction(self, id).await
    }

    async fn settle(&self, id: HalfId, decision: Decision) -> Result<Settled> {
        Self::settle(self, id, decision).await
    }

    async fn transactions(&self, after: Option<HalfId>, limit: usize) -> Result<Transactions> {
        Self::transactions(self, after, limit).await
    }

    async fn dead_letter(&self, id: &LetterId) -> Result<DeadLetter> {
        Self::dead_letter(self, id).await
    }

    async fn redrive(&self, id: &LetterId, through: Through<'_>) -> Result<()> {
        let redrive = self.redrive_through(&id.subscription, through).await?;
        Self::redrive(self, id, &redrive).await
    }

    async fn redrive_all(&self, subscription: &Name, through: Through<'_>) -> Result<Redriven> {
        let redrive = self.redrive_through(subscription, through).await?;
        Self::redrive_all(self, subscription, &redrive).await
    }

    async fn preview(&self, id: &LetterId, through: Through<'_>) -> Result<Previews> {
        Self::preview(self, id, through).await
    }

    async fn previews(
        &self,
        subscription: &Name,
        through: Through<'_>,
        after: Option<&LetterId>,
        limit: usize,
    ) -> Result<Previews> {
        Self::previews(self, subscription, through, after, limit).await
    }

    async fn purge(&self, id: &LetterId) -> Result<()> {
        Self::purge(self, id).await
    }

    async fn purge_all(&self, subscription: &Name) -> Result<u64> {
        Self::purge_all(self, subscription).await
    }

    async fn subscriptions(&self) -> Result<Vec<SubscriptionStatus>> {
        Self::subscriptions(self).await
    }

    async fn topics(&self, after: Option<&str>, limit: usize) -> Result<TopicPage> {
        Self::topics(self, after, limit).await
    }

    async fn topic(&self, name: &str) -> Result<Option<TopicStanding>> {
        Self::topic(self, name).await
    }

    async fn schedules(&self) -> Result<Vec<ScheduleStatus>> {
        Self::schedules(self).await
    }

    async fn halted(&self, subscription: Option<&Name>, limit: usize) -> Result<Vec<Halted>> {
        Self::halted(self, subscription, limit).await
    }

    async fn position(&self, subscription: &Name) -> Result<Standing> {
        Self::position(self, subscription).await
    }

    async fn move_to(&self, subscription: &Name, to: Start) -> Result<Standing> {
        Self::move_to(self, subscription, to).await
    }

    async fn resume(&self, subscription: &Name, key: Option<&Name>, how: Resume) -> Result<u64> {
        Self::resume(self, subscription, key, how).await
    }

    async fn recall(&self, id: DelayedId) -> Result<Recalled> {
        Self::recall(self, id).await
    }

    async fn recall_sent(&self, scope: &Scope, message: MessageId) -> Result<Recalled> {
        Self::recall_sent(self, scope, message).await
    }

    async fn timer(&self, scope: &Scope, name: &str) -> Result<Option<Delayed>> {
        Self::timer(self, scope, name).await
    }

    async fn timers(
        &self,
        scope: &Scope,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Delayed>> {
        Self::timers(self, scope, after, limit).await
    }

    async fn cancel_timer(&self, scope: &Scope, name: &str) -> Result<Recalled> {
        Self::cancel_timer(self, scope, name).await
    }
}
