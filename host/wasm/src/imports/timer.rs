//! `timer`: named timers within the key's scope.

use wasmill_port::call;
use wasmtime::Result;

use crate::data::Data;
use crate::generated::wasmill::plugin::timer::{Alarm, Delivery, Host};
use crate::generated::wasmill::plugin::types::Error;
use crate::translate::{names, optional_name, when};

impl Host for Data {
    fn set(&mut self, name: String, at: Delivery, alarm: Alarm) -> Result<Result<(), Error>> {
        self.count("timer.set")?;
        Ok(self.handling("timer.set").and_then(|call| {
            let alarm = call::Alarm {
                topic: alarm.topic.into(),
                tag: optional_name(alarm.tag),
                headers: names(alarm.headers),
                body: alarm.body.into(),
            };
            Ok(call.set_timer(&name, when(at)?, alarm)?)
        }))
    }

    fn cancel(&mut self, name: String) -> Result<Result<bool, Error>> {
        self.count("timer.cancel")?;
        Ok(self
            .handling("timer.cancel")
            .and_then(|call| Ok(call.cancel_timer(&name)?)))
    }

    fn reschedule(&mut self, name: String, at: Delivery) -> Result<Result<bool, Error>> {
        self.count("timer.reschedule")?;
        Ok(self
            .handling("timer.reschedule")
            .and_then(|call| Ok(call.reschedule_timer(&name, when(at)?)?)))
    }
}
