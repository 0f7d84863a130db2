//! What the engine counts, taken to the metrics now and then: nothing is paid for at each message.

use wasmill_port::Guests;

use super::EngineLoop;

/// Lanes that are looked at between two turns of the loop: a fraction of a millisecond.
const SURVEY_LANES: usize = 4_096;

impl<G: Guests> EngineLoop<G> {
    pub(super) fn set_gauges(&mut self) {
        let (unsettled, committed, rolled_back) = self.engine.half_census();
        self.metrics
            .set_transactions(unsettled, committed, rolled_back);
        let known = &mut self.state.subscriptions;
        for (place, (subscription, pending, running, _)) in self.engine.census().enumerate() {
            if known.len() == place {
                known.push(self.metrics.subscription(subscription));
            }
            known[place].set_standing(pending, running);
        }
        for (topic, counts) in self.engine.take_topic_counts() {
            self.metrics.set_topic(topic, counts);
        }
    }

    /// Goes on with the look for the oldest messages, if one is under way.
    pub(super) fn survey(&mut self) {
        let Some(survey) = &mut self.state.survey else {
            return;
        };
        if !self.engine.survey(survey, SURVEY_LANES) {
            return;
        }
        let now = self.clock.now();
        for (place, subscription) in self.state.subscriptions.iter().enumerate() {
            let oldest = survey.oldest(place);
            let lag = oldest.map(|sent| now.since(sent)).unwrap_or_default();
            subscription.set_lag(lag);
        }
        self.state.survey = None;
    }
}
