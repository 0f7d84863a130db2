//! A scripted platform as operators see it: it has no dead letters and one subscription.

use std::sync::Arc;
use std::time::Duration;

use wasmill_model::effects::{Delayed, Scope};
use wasmill_model::half::CheckPolicy;
use wasmill_model::record::DeadLetter;
use wasmill_model::routes::{Quota, Rate, Topic, TopicPattern};
use wasmill_model::{Decision, MessageId, Name, PartitionId, Start};
use wasmill_service::story::{Filter, Place};
use wasmill_service::{
    DelayedId, FoundPage, HalfId, Halted, LetterId, LookUpError, MoveError, OperateError, Page,
    Previews, RateUsed, Recalled, Redriven, Resume, ScheduleStatus, Settled, Standing,
    SubscriptionStatus, Through, Told, TopicCounts, TopicLevels, TopicPage, TopicStanding,
    Transaction, Transactions,
};

use super::{Scripted, previews};
use crate::{LookUp, Operator};

type Result<T> = std::result::Result<T, OperateError>;

const RATE: Rate = Rate {
    per_second: 5,
    burst: 10,
};

impl Operator for Scripted {
    async fn dead_letters(&self, _: Option<&Name>, _: Option<&LetterId>, _: usize) -> Result<Page> {
        Ok(Page::default())
    }

    fn plugin_of(&self, _: &str) -> Option<Name> {
        None
    }

    fn check_policy(&self, _: &str) -> Arc<CheckPolicy> {
        Arc::default()
    }

    async fn transaction(&self, _: HalfId) -> Result<Transaction> {
        Err(OperateError::NoTransaction)
    }

    async fn settle(&self, _: HalfId, _: Decision) -> Result<Settled> {
        Err(OperateError::NoTransaction)
    }

    async fn transactions(&self, _: Option<HalfId>, _: usize) -> Result<Transactions> {
        Ok(Transactions::default())
    }

    async fn topics(&self, after: Option<&str>, _: usize) -> Result<TopicPage> {
        let mut page = TopicPage::default();
        if after.is_none() {
            page.topics.extend(self.topic("order.*").await?);
            page.next = Some("order.*".into());
        }
        Ok(page)
    }

    async fn topic(&self, name: &str) -> Result<Option<TopicStanding>> {
        let placed = Topic {
            quota: Quota {
                messages: Some(RATE),
                bytes: None,
            },
            retention: Some(Duration::from_secs(60)),
            ..TopicPattern::new("order.*").into()
        };
        let is_meant = placed.pattern.matches(name);
        Ok(is_meant.then(|| TopicStanding {
            topic: placed,
            levels: TopicLevels {
                messages: Some(RateUsed {
                    rate: RATE,
                    used: 3,
                }),
                bytes: None,
                counts: TopicCounts {
                    outside: 7,
                    inside: 8,
                    refused: [9, 0, 0, 0, 0, 0, 0],
                },
            },
            subscriptions: vec![("s".into(), 2)],
        }))
    }

    async fn schedules(&self) -> Result<Vec<ScheduleStatus>> {
        Ok(Vec::new())
    }

    async fn position(&self, name: &Name) -> Result<Standing> {
        Err(OperateError::Move(MoveError::UnknownSubscription(
            name.clone(),
        )))
    }

    async fn move_to(&self, name: &Name, _: Start) -> Result<Standing> {
        self.position(name).await
    }

    async fn dead_letter(&self, _: &LetterId) -> Result<DeadLetter> {
        Err(OperateError::NotFound)
    }

    async fn redrive(&self, _: &LetterId, _: Through<'_>) -> Result<()> {
        Err(OperateError::NotFound)
    }

    async fn redrive_all(&self, _: &Name, through: Through<'_>) -> Result<Redriven> {
        previews::check(through).map(|()| Redriven::default())
    }

    async fn preview(&self, id: &LetterId, through: Through<'_>) -> Result<Previews> {
        previews::of([id.clone()], through)
    }

    async fn previews(
        &self,
        subscription: &Name,
        through: Through<'_>,
        _: Option<&LetterId>,
        limit: usize,
    ) -> Result<Previews> {
        let is_there = *subscription == *"s";
        let letters = (0..limit as u64).filter(|_| is_there).map(|seq| LetterId {
            partition: PartitionId(0),
            subscription: subscription.clone(),
            seq,
        });
        previews::of(letters, through)
    }

    async fn purge(&self, _: &LetterId) -> Result<()> {
        Err(OperateError::NotFound)
    }

    async fn purge_all(&self, _: &Name) -> Result<u64> {
        Ok(0)
    }

    async fn subscriptions(&self) -> Result<Vec<SubscriptionStatus>> {
        Ok(vec![SubscriptionStatus {
            name: "s".into(),
            pending: 0,
            running: 0,
            dead_letters: 0,
        }])
    }

    async fn halted(&self, _: Option<&Name>, _: usize) -> Result<Vec<Halted>> {
        Ok(Vec::new())
    }

    async fn resume(&self, _: &Name, _: Option<&Name>, _: Resume) -> Result<u64> {
        Ok(0)
    }

    async fn recall(&self, _: DelayedId) -> Result<Recalled> {
        Ok(Recalled::Done)
    }

    async fn recall_sent(&self, _: &Scope, _: MessageId) -> Result<Recalled> {
        Ok(Recalled::Gone)
    }

    async fn timer(&self, _: &Scope, _: &str) -> Result<Option<Delayed>> {
        Ok(None)
    }

    async fn timers(&self, _: &Scope, _: Option<&str>, _: usize) -> Result<Vec<Delayed>> {
        Ok(Vec::new())
    }

    async fn cancel_timer(&self, _: &Scope, _: &str) -> Result<Recalled> {
        Ok(Recalled::Handed)
    }
}

/// Its log is empty, but for the stories of keys.
impl LookUp for Scripted {
    async fn find_messages(
        &self,
        _: Filter,
        _: Option<Place>,
        _: usize,
    ) -> std::result::Result<FoundPage, LookUpError> {
        Ok(FoundPage::default())
    }

    async fn message_story(&self, _: MessageId) -> std::result::Result<Told, LookUpError> {
        Ok(Told::default())
    }

    async fn flow_story(&self, _: MessageId) -> std::result::Result<Told, LookUpError> {
        Ok(Told::default())
    }

    async fn key_story(&self, _: &Name) -> std::result::Result<Told, LookUpError> {
        Ok(self.0.told.clone())
    }
}
