//! `queue`: sends and recalls.

use wasmill_port::call;
use wasmtime::Result;

use crate::data::Data;
use crate::generated::wasmill::plugin::queue::{Host, Outgoing};
use crate::generated::wasmill::plugin::types::Error;
use crate::translate::{names, optional_name, when};

impl Host for Data {
    fn send(&mut self, message: Outgoing) -> Result<Result<String, Error>> {
        self.count("queue.send")?;
        Ok(self
            .handling("queue.send")
            .and_then(|call| Ok(call.send(outgoing(message)?)?.to_string())))
    }

    fn send_many(&mut self, messages: Vec<Outgoing>) -> Result<Result<Vec<String>, Error>> {
        self.count("queue.send-many")?;
        Ok(self.handling("queue.send-many").and_then(|call| {
            let messages = messages.into_iter().map(outgoing);
            let ids = call.send_many(messages.collect::<Result<_, Error>>()?)?;
            Ok(ids.iter().map(ToString::to_string).collect())
        }))
    }

    fn recall(&mut self, id: String) -> Result<Result<bool, Error>> {
        self.count("queue.recall")?;
        Ok(self.handling("queue.recall").and_then(|call| {
            let id = id
                .parse()
                .map_err(|error| Error::Invalid(format!("{error}")))?;
            Ok(call.recall(id)?)
        }))
    }
}

pub(super) fn outgoing(message: Outgoing) -> Result<call::Outgoing, Error> {
    let Outgoing {
        topic,
        key,
        tag,
        headers,
        body,
        when: delivery,
    } = message;
    Ok(call::Outgoing {
        topic: topic.into(),
        key: optional_name(key),
        tag: optional_name(tag),
        headers: names(headers),
        body: body.into(),
        when: when(delivery)?,
    })
}
