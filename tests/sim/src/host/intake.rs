//! How messages come in: their ids are looked up in the view, then the engine takes or refuses them.

use std::ops::Range;

use wasmill_engine::{Accepted, Incoming, Refused, claims};
use wasmill_model::PartitionId;
use wasmill_port::Clock;
use wasmill_port::store::View;

use super::{Dead, Host};

/// A message, and what the view had of its id at a version of the partition.
pub(crate) struct LookedUp {
    incoming: Incoming,
    partition: PartitionId,
    version: u64,
}

impl Host {
    /// Reads what the view has of a message's producer's id, as its sender's thread does.
    pub(crate) fn look_up(&self, mut incoming: Incoming) -> Result<LookedUp, Dead> {
        let place = incoming.claim_place(self.engine.partitioner());
        let (partition, key) = place.expect("every message of a world has an id");
        let claimed = self.view.get(&key).map_err(|_| Dead)?;
        if let Some(producer) = &mut incoming.producer_id {
            producer.claimed = claimed.map(|it| claims::read(&it).expect("a claim of ours"));
        }
        Ok(LookedUp {
            incoming,
            partition,
            version: self.version(partition),
        })
    }

    /// Takes a message in; durable once [`Host::durable`] reaches the number returned.
    pub(crate) fn accept(&mut self, it: LookedUp) -> Result<(Accepted, u64), Dead> {
        let accepted = self.offer(it)?.expect("a message that no policy refuses");
        Ok((accepted, self.barrier()))
    }

    /// Takes a message in, or refuses it.
    pub(crate) fn offer(&mut self, mut it: LookedUp) -> Result<Result<Accepted, Refused>, Dead> {
        if !self
            .sabotage
            .still_holds(it.version, self.version(it.partition))
        {
            it = self.look_up(it.incoming)?;
        }
        self.engine.set_uptime(self.uptime());
        let (incoming, now) = (it.incoming, self.clock.now());
        let answer = self.sabotage.offer(&mut self.engine, incoming, now);
        self.collect();
        Ok(answer)
    }

    /// Takes a batch in, each message by itself; what was looked up before a checkpoint of any of
    /// their partitions is looked up again for all.
    pub(crate) fn accept_all(
        &mut self,
        mut all: Vec<LookedUp>,
    ) -> Result<(Vec<Accepted>, u64), Dead> {
        let holds = |it: &LookedUp| {
            self.sabotage
                .still_holds(it.version, self.version(it.partition))
        };
        if !all.iter().all(holds) {
            let again = all.into_iter().map(|it| self.look_up(it.incoming));
            all = again.collect::<Result<_, _>>()?;
        }
        let now = self.clock.now();
        let accepted = all.into_iter().map(|it| {
            let accepted = self.engine.accept(it.incoming, now);
            accepted.expect("a proper message")
        });
        let accepted = accepted.collect();
        self.collect();
        Ok((accepted, self.engine.barrier()))
    }

    pub(super) fn version(&self, PartitionId(partition): PartitionId) -> u64 {
        self.versions[usize::from(partition)]
    }

    /// A checkpoint of these partitions begins or ends.
    pub(super) fn outdate(&mut self, partitions: Range<u16>) {
        for partition in partitions {
            self.versions[usize::from(partition)] += 1;
        }
    }
}
