//! Commands from outside: messages that come in.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use wasmill_model::effects::{Delayed, TimerRef};
use wasmill_model::half::Owner;
use wasmill_model::limits::OverLimit;
use wasmill_model::routes::TopicIndex;
use wasmill_model::{Claim, Half, Message, MessageId, Millis, Name, Op, PartitionId, When, chosen};

use crate::claims;
use crate::engine::Engine;
use crate::halves::PrepareError;
use crate::recall::DelayedId;
use crate::topics::OverQuota;

/// A message from outside.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// The topic.
    pub topic: Name,
    /// The key.
    pub key: Option<Name>,
    /// The tag.
    pub tag: Option<Name>,
    /// The headers.
    pub headers: Vec<(Name, Name)>,
    /// The body.
    pub body: Bytes,
    /// The producer's id of the message, if it has one.
    pub producer_id: Option<ProducerId>,
    /// When it is to be delivered.
    pub deliver: When,
    /// Set if it is a half message: delivered once it is committed.
    pub half: Option<HalfOf>,
    /// Whether somebody waits for what comes of it: messages with its correlation are reported.
    pub watch: bool,
}

/// The producer's side of a half message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HalfOf {
    /// The URL at which the producer is asked what is to become of it.
    pub check_url: Option<Name>,
}

/// A producer's id for what it sends: the same again is accepted once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProducerId {
    /// The id, unique within the topic and key.
    pub id: String,
    /// How long it is remembered.
    pub window: Duration,
    /// What the view has under [`Incoming::claim_place`], read since that partition's last
    /// checkpoint ended.
    pub claimed: Option<Claim>,
}

/// A message that was taken in, durable once the engine's barrier is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The message's id, which is also the flow's correlation.
    pub message: MessageId,
    /// The partition that took it in.
    pub partition: PartitionId,
    /// Whether it had been taken in before, under the same producer's id.
    pub duplicate: bool,
    /// What names it while it waits for its time; none for a duplicate.
    pub delayed: Option<DelayedId>,
}

/// Why a message was not taken in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The producer's id was used for another content.
    #[error("id `{0}` was used before for another content: take a new id, or send the same again")]
    Conflict(String),
    /// The topic is not declared.
    #[error("topic `{0}` is not declared in the routes")]
    UnknownTopic(Name),
    /// The key is empty.
    #[error("a key has at least one byte: leave it out for a message without order and state")]
    EmptyKey,
    /// A header whose name is the host's own.
    #[error("the name of a header must not begin with a NUL, as {0:?} does: take another name")]
    ReservedHeader(Name),
    /// A part of the message is over its limit.
    #[error(transparent)]
    Limit(#[from] OverLimit),
    /// A half message for which there is no room.
    #[error(transparent)]
    Half(#[from] PrepareError),
    /// The topic takes no more for now.
    #[error(transparent)]
    Quota(#[from] OverQuota),
}

impl Engine {
    /// Takes a message in.
    ///
    /// # Errors
    /// [`Refused`] if nothing was taken in.
    pub fn accept(&mut self, incoming: Incoming, now: Millis) -> Result<Accepted, Refused> {
        self.advance(now);
        let topic = self.routes().topic_index(&incoming.topic);
        let topic = topic.ok_or_else(|| Refused::UnknownTopic(incoming.topic.clone()))?;
        let accepted = self.accept_to(topic, incoming);
        if let Err(refused) = &accepted {
            self.topics.count_refused(topic, refused);
        }
        accepted
    }

    fn accept_to(&mut self, topic: TopicIndex, incoming: Incoming) -> Result<Accepted, Refused> {
        self.check(topic, &incoming)?;
        let home = incoming.home(self.partitioner());
        let partition = home.unwrap_or_else(|| self.next_unkeyed());
        // Every message taken in is a record of its own, so no two have the same position.
        let id = MessageId::accepted(partition, self.partition(partition).counters.position);
        let mut ops = Vec::with_capacity(2);
        if let Some(claim) = self.claim(partition, &incoming, id)? {
            if claim.message != id {
                self.watch(claim.message, incoming.watch);
                return Ok(Accepted {
                    message: claim.message,
                    partition,
                    duplicate: true,
                    delayed: None,
                });
            }
            ops.push(Op::Claim(claim));
        }
        let bytes = incoming.body.len();
        // What was accepted before is answered, whatever the quota says.
        self.check_quota(topic, &incoming.topic, bytes)?;
        let due = match &incoming.half {
            Some(_) => self.take_half_in(partition, incoming, id, ops)?,
            None => self.take_in(partition, incoming, id, ops),
        };
        self.topics.count_outside(topic, bytes);
        self.dispatch();
        Ok(Accepted {
            message: id,
            partition,
            duplicate: false,
            delayed: due.map(|due| DelayedId {
                partition,
                timer: TimerRef { due, id },
            }),
        })
    }

    /// The claim of the producer's id: that of an earlier message, if there is one.
    fn claim(
        &self,
        partition: PartitionId,
        incoming: &Incoming,
        id: MessageId,
    ) -> Result<Option<Claim>, Refused> {
        let Some(producer) = &incoming.producer_id else {
            return Ok(None);
        };
        let claim = claims::claim(incoming, producer, id, self.now);
        let newer = self.partition(partition).claims.get(&claim.id);
        let earlier = newer.unwrap_or(producer.claimed.as_ref());
        match earlier.filter(|earlier| earlier.expires > self.now) {
            Some(earlier) if earlier.content != claim.content => {
                Err(Refused::Conflict(producer.id.clone()))
            }
            Some(earlier) => Ok(Some(*earlier)),
            None => Ok(Some(claim)),
        }
    }

    /// Takes a message in; tells when it is due if it is to wait.
    fn take_in(
        &mut self,
        partition: PartitionId,
        incoming: Incoming,
        id: MessageId,
        mut ops: Vec<Op>,
    ) -> Option<Millis> {
        self.watch(id, incoming.watch);
        let Some(due) = incoming.deliver.due(self.now) else {
            let message = Arc::new(message(incoming, id, self.now));
            let send = self.routes().fan_out(message);
            self.commit_with_sends(partition, ops, [send]);
            return None;
        };
        ops.push(Op::Delay(Delayed {
            due,
            message: Arc::new(message(incoming, id, due)),
            scope: None,
        }));
        self.commit(partition, ops);
        Some(due)
    }

    fn take_half_in(
        &mut self,
        partition: PartitionId,
        incoming: Incoming,
        id: MessageId,
        mut ops: Vec<Op>,
    ) -> Result<Option<Millis>, Refused> {
        let check_url = incoming
            .half
            .as_ref()
            .and_then(|half| half.check_url.clone());
        let half = Half {
            deliver: incoming.deliver,
            message: Arc::new(message(incoming, id, self.now)),
            owner: Owner::Producer { check_url },
            prepared_at: self.now,
            checks: 0,
            next_check: None,
            cause: None,
        };
        ops.push(self.prepared(half)?);
        self.commit(partition, ops);
        Ok(None)
    }

    fn check(&self, topic: TopicIndex, incoming: &Incoming) -> Result<(), Refused> {
        let Incoming {
            key,
            tag,
            headers,
            body,
            ..
        } = incoming;
        if key.as_ref().is_some_and(|key| key.is_empty()) {
            return Err(Refused::EmptyKey);
        }
        if let Some((name, _)) = headers.iter().find(|(name, _)| chosen::is_reserved(name)) {
            return Err(Refused::ReservedHeader(name.clone()));
        }
        let topic = &self.routes().topics()[topic.0];
        let checked = topic
            .limits
            .check(key.as_ref(), tag.as_ref(), headers, body);
        checked.map_err(|exceeded| {
            Refused::Limit(OverLimit {
                topic: topic.pattern.name().clone(),
                exceeded,
            })
        })
    }

    /// The partitions take turns with messages that have no home.
    fn next_unkeyed(&mut self) -> PartitionId {
        let count = self.partitioner().count();
        self.unkeyed = (self.unkeyed + 1) % count;
        PartitionId(self.unkeyed)
    }
}

fn message(incoming: Incoming, id: MessageId, produced_at: Millis) -> Message {
    let Incoming {
        topic,
        key,
        tag,
        headers,
        body,
        ..
    } = incoming;
    Message {
        id,
        topic,
        key,
        tag,
        headers,
        body,
        produced_at,
        correlation: id,
        causation: None,
        timer: None,
    }
}
