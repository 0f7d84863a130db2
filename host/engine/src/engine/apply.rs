//! Commit and apply: the one way in which state changes, live and in recovery alike.

use std::sync::Arc;

use wasmill_model::effects::Send;
use wasmill_model::record::DeadLetter;
use wasmill_model::{Message, Op, PartitionId, Position, Record, Target};

use super::{Action, Engine};
use crate::backlog::Pending;
use crate::channels::InTransit;
use crate::dead_letters::LetterId;
use crate::lane::LaneId;

/// A message that goes to another partition with a record.
struct Departure {
    to: PartitionId,
    number: u64,
}

impl Engine {
    /// Commits `ops` and the messages sent with them as one record of `partition`, with the events
    /// of what it buries; messages for other partitions then arrive there in records of their own.
    pub(crate) fn commit_with_sends(
        &mut self,
        partition: PartitionId,
        ops: Vec<Op>,
        sends: impl IntoIterator<Item = Send>,
    ) {
        let diverts = self.moves.diverts();
        self.commit_sends(partition, ops, sends, diverts);
    }

    /// The same with messages that reach subscriptions also while these are moved.
    pub(crate) fn commit_as_routed(
        &mut self,
        partition: PartitionId,
        ops: Vec<Op>,
        sends: impl IntoIterator<Item = Send>,
    ) {
        self.commit_sends(partition, ops, sends, false);
    }

    fn commit_sends(
        &mut self,
        partition: PartitionId,
        mut ops: Vec<Op>,
        sends: impl IntoIterator<Item = Send>,
        diverts: bool,
    ) {
        let mut departures = Vec::new();
        let mut seq = self.partition(partition).counters.seq;
        for send in sends {
            self.count_sent(&send);
            let send = if diverts { self.divert(send) } else { send };
            self.route(partition, send, &mut seq, &mut ops, &mut departures);
        }
        for event in self.obituaries(partition, &ops) {
            let event = if diverts { self.divert(event) } else { event };
            self.route(partition, event, &mut seq, &mut ops, &mut departures);
        }
        self.commit(partition, ops);
        for Departure { to, number } in departures {
            self.arrive(partition, to, number);
        }
    }

    /// Turns a message and its targets into operations.
    fn route(
        &self,
        partition: PartitionId,
        send: Send,
        seq: &mut u64,
        ops: &mut Vec<Op>,
        departures: &mut Vec<Departure>,
    ) {
        let Send {
            message,
            targets,
            unroutable,
            ..
        } = send;
        let mut next_seq = || {
            *seq += 1;
            *seq - 1
        };
        for (subscription, cause) in unroutable {
            ops.push(Op::Bury(DeadLetter {
                seq: next_seq(),
                subscription,
                key: None,
                message: message.clone(),
                attempts: 0,
                cause,
                at: self.now,
            }));
        }
        // Without targets the message is kept where it was sent, for as long as the log is.
        if targets.is_empty() {
            return ops.push(Op::Deliver {
                seq: next_seq(),
                message,
                targets,
            });
        }
        for (to, targets) in self.by_partition(&message, targets) {
            let message = message.clone();
            if to == partition {
                ops.push(Op::Deliver {
                    seq: next_seq(),
                    message,
                    targets,
                });
                continue;
            }
            let sent = departures
                .iter()
                .filter(|departure| departure.to == to)
                .count() as u64;
            let number = self.partition(partition).counters.channels.next_out(to) + sent;
            departures.push(Departure { to, number });
            ops.push(Op::Send {
                to,
                number,
                message,
                targets,
            });
        }
    }

    fn by_partition(
        &self,
        message: &Message,
        targets: Vec<Target>,
    ) -> Vec<(PartitionId, Vec<Target>)> {
        let mut groups: Vec<(PartitionId, Vec<Target>)> = Vec::with_capacity(1);
        for target in targets {
            let home = self
                .partitioner()
                .of_message(target.key.as_deref(), message.id);
            match groups.iter_mut().find(|(partition, _)| *partition == home) {
                Some((_, group)) => group.push(target),
                None => groups.push((home, vec![target])),
            }
        }
        groups
    }

    /// Takes a message out of the channel from one partition into another.
    pub(crate) fn arrive(&mut self, from: PartitionId, to: PartitionId, number: u64) {
        let Some(InTransit { message, targets }) = self
            .partition(from)
            .counters
            .channels
            .get(to, number)
            .cloned()
        else {
            return;
        };
        if !self.partition(to).counters.channels.expects(from, number) {
            return self
                .partition_mut(from)
                .counters
                .channels
                .delivered(to, number);
        }
        let seq = self.partition(to).counters.seq;
        let receive = Op::Receive { from, number };
        self.commit(
            to,
            vec![
                receive,
                Op::Deliver {
                    seq,
                    message,
                    targets,
                },
            ],
        );
    }

    /// Commits one record: it goes into the block and takes effect.
    pub(crate) fn commit(&mut self, partition: PartitionId, ops: Vec<Op>) {
        let position = self.partition(partition).counters.position;
        let record = Record {
            partition,
            position,
            ops,
        };
        self.unsealed.push(&record);
        self.apply(record);
    }

    /// Makes a record's operations take effect.
    pub(crate) fn apply(&mut self, record: Record) {
        let id = record.partition;
        let partition = self.partition_mut(id);
        partition.counters.position = record.position + 1;
        partition.dirty.any = true;
        for op in record.ops {
            self.apply_op(id, op);
        }
    }

    fn apply_op(&mut self, id: PartitionId, op: Op) {
        match op {
            Op::Deliver {
                seq,
                message,
                targets,
            } => self.deliver(id, seq, &message, targets),
            Op::Settle {
                subscription,
                key,
                seq,
            } => {
                let sub = self.sub(&subscription);
                self.settle(id, sub, key.as_ref(), seq);
            }
            Op::Retry {
                subscription,
                key,
                seq,
                attempts,
                due,
                cause,
            } => {
                let sub = self.sub(&subscription);
                self.park(id, sub, key.as_ref(), seq, (attempts, due, cause));
            }
            Op::Bury(letter) => self.bury(id, letter),
            Op::State { scope, writes } => {
                self.partition_mut(id)
                    .lane_mut(&LaneId::Keyed(scope))
                    .write(&writes);
            }
            Op::Delay(delayed) => {
                let replaying = !self.live;
                self.partition_mut(id).timers.insert(delayed, replaying);
            }
            Op::Undelay(reference) => self.partition_mut(id).timers.remove(reference),
            Op::Send {
                to,
                number,
                message,
                targets,
            } => {
                self.notice(&message);
                let channels = &mut self.partition_mut(id).counters.channels;
                channels.sent(to, number, InTransit { message, targets });
            }
            Op::Receive { from, number } => {
                self.partition_mut(id)
                    .counters
                    .channels
                    .received(from, number);
                let sender = self.partition_mut(from);
                sender.counters.channels.delivered(id, number);
                sender.dirty.any = true;
            }
            Op::Exhume { subscription, seq } => {
                let letters = &mut self.partition_mut(id).dead_letters;
                letters.set((subscription, seq), None);
            }
            Op::Prepare(half) => self.apply_prepare(id, *half),
            Op::Decide { half, decision } => self.apply_decide(id, half, decision),
            Op::Schedule { name, runs } => self.schedules.set(name, runs),
            Op::Claim(claim) => self.partition_mut(id).claims.set(claim.id, Some(claim)),
            Op::Position(position) => self.stand(id, position),
            Op::Handled(_) | Op::Used(_) => {}
        }
    }

    fn deliver(&mut self, id: PartitionId, seq: u64, message: &Arc<Message>, targets: Vec<Target>) {
        self.partition_mut(id).counters.seq = seq + 1;
        self.notice(message);
        for Target { subscription, key } in targets {
            let sub = self.sub(&subscription);
            self.subs[sub].pending += 1;
            let message = message.clone();
            self.enqueue(
                id,
                sub,
                Pending {
                    seq,
                    key,
                    attempts: 0,
                    message,
                },
            );
        }
    }

    fn stand(&mut self, id: PartitionId, position: Position) {
        let name = position.subscription.clone();
        self.partition_mut(id).dirty.positions.insert(name);
        if self.live {
            let (barrier, floor) = (self.barrier(), self.replay_floor_now());
            self.moves.step(barrier, floor);
        }
        self.moves.set(position);
    }

    fn bury(&mut self, id: PartitionId, letter: DeadLetter) {
        let sub = self.sub(&letter.subscription);
        self.subs[sub].buried += 1;
        let partition = self.partition_mut(id);
        if letter.seq >= partition.counters.seq {
            // It never was in a queue: its key could not be found.
            partition.counters.seq = letter.seq + 1;
        } else {
            self.settle(id, sub, letter.key.as_ref(), letter.seq);
        }
        if self.live {
            let of = LetterId {
                partition: id,
                subscription: letter.subscription.clone(),
                seq: letter.seq,
            };
            self.actions
                .push(Action::Buried(of, Box::new(letter.clone())));
        }
        let key = (letter.subscription.clone(), letter.seq);
        self.partition_mut(id).dead_letters.set(key, Some(letter));
    }

    /// Reports a message of a flow that somebody watches.
    fn notice(&mut self, message: &Arc<Message>) {
        if !self.watched.is_empty() && self.watched.contains_key(&message.correlation) {
            self.actions.push(Action::Watched(message.clone()));
        }
    }
}
