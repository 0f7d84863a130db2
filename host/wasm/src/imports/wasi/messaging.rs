//! `wasi:messaging`: sends, and the message that a handler of that interface is called with.

use bytes::Bytes;
use wasmill_model::effects::{Failure, FailureKind};
use wasmill_model::limits::HEADERS_COUNT_MAX;
use wasmill_model::{Name, When};
use wasmill_port::{Delivery, call};
use wasmtime::component::Resource;
use wasmtime::{Result, bail};

use super::words;
use crate::data::Data;
use crate::generated::drafts::wasi::messaging::types::{Error, Host, HostClient, HostMessage};
use crate::generated::drafts::wasi::messaging::{producer, request_reply};
use crate::generated::wasmill::plugin::types;
use crate::translate::names;

/// Bytes of all messages that an instance holds as resources.
const HELD_BYTES_MAX: usize = 32 << 20;
/// What a message takes besides its content: itself, and its place among the resources.
const MESSAGE_BYTES: usize = 256;
/// Pairs of metadata of a message: as many as it may have headers, and those of the host's own.
const METADATA_MAX: usize = HEADERS_COUNT_MAX + 4;
/// The header that is the content type.
const CONTENT_TYPE: &str = "content-type";
/// The metadata that are no headers: what else this host knows of a message.
const ID: &str = "wasmill-id";
const ATTEMPT: &str = "wasmill-attempt";
const KEY: &str = "wasmill-key";
const TAG: &str = "wasmill-tag";
/// The metadata that name the topic for replies.
const REPLY_TO: &str = "reply-to";

/// This host's queue.
#[derive(Debug)]
#[expect(unreachable_pub, reason = "the bindings re-export it")]
pub struct Client;

/// What would bound a request, were there any.
#[derive(Debug)]
#[expect(unreachable_pub, reason = "the bindings re-export it")]
pub struct RequestOptions;

/// A message that was handed over, or is being made.
#[derive(Debug, Default)]
#[expect(unreachable_pub, reason = "the bindings re-export it")]
pub struct Message {
    topic: Option<String>,
    content_type: Option<String>,
    data: Bytes,
    metadata: Vec<(String, String)>,
}

impl Message {
    fn of(delivery: &Delivery) -> Self {
        let message = &delivery.message;
        let own = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let mut content_type = None;
        let mut metadata = Vec::with_capacity(message.headers.len() + 4);
        for (name, value) in message.sent_headers() {
            match name.eq_ignore_ascii_case(CONTENT_TYPE) {
                true => content_type = Some(value.to_string()),
                false => metadata.push(own(name, value)),
            }
        }
        metadata.push((ID.to_owned(), message.id.to_string()));
        metadata.push((ATTEMPT.to_owned(), delivery.attempt.to_string()));
        metadata.extend(delivery.key.as_deref().map(|key| own(KEY, key)));
        metadata.extend(message.tag.as_deref().map(|tag| own(TAG, tag)));
        Self {
            topic: Some(message.topic.to_string()),
            content_type,
            data: message.body.clone(),
            metadata,
        }
    }

    /// As it is sent to `topic` by a handler of `key`.
    fn outgoing(self, topic: String, key: Option<&Name>) -> call::Outgoing {
        let mut key = key.cloned();
        let mut tag = None;
        let mut headers = Vec::with_capacity(self.metadata.len() + 1);
        headers.extend(self.content_type.map(|it| (CONTENT_TYPE.to_owned(), it)));
        for (name, value) in self.metadata {
            match name.as_str() {
                KEY => key = Some(value).filter(|it| !it.is_empty()).map(Name::from),
                TAG => tag = Some(value).filter(|it| !it.is_empty()).map(Name::from),
                ID | ATTEMPT => {}
                _ => headers.push((name, value)),
            }
        }
        call::Outgoing {
            topic: topic.into(),
            key,
            tag,
            headers: names(headers),
            body: self.data,
            when: When::Now,
        }
    }

    /// What it takes of the host's memory.
    fn bytes(&self) -> usize {
        let texts = self
            .metadata
            .iter()
            .map(|(name, value)| name.capacity() + value.capacity());
        let pairs = self.metadata.capacity() * size_of::<(String, String)>();
        let content_type = self.content_type.as_ref().map_or(0, String::capacity);
        MESSAGE_BYTES + self.data.len() + content_type + pairs + texts.sum::<usize>()
    }
}

/// What a guest's error makes of its message.
pub(crate) fn failure(error: Error) -> Failure {
    let cause = match error {
        Error::Timeout => "timeout".to_owned(),
        Error::Connection(why) => format!("connection: {why}"),
        Error::PermissionDenied(why) => format!("permission denied: {why}"),
        Error::Other(why) => why,
    };
    Failure {
        kind: FailureKind::Retry,
        cause,
    }
}

impl Data {
    /// The message that is delivered, as a resource for its handler.
    pub(crate) fn incoming(&mut self, delivery: &Delivery) -> Result<Resource<Message>> {
        self.hold(Message::of(delivery))
    }

    fn hold(&mut self, message: Message) -> Result<Resource<Message>> {
        self.hold_bytes(0, message.bytes())?;
        Ok(self.table.push(message)?)
    }

    /// Takes a message out of the table.
    fn let_go(&mut self, message: Resource<Message>) -> Result<Message> {
        let message = self.table.delete(message)?;
        self.held_bytes -= message.bytes();
        Ok(message)
    }

    fn change(
        &mut self,
        message: &Resource<Message>,
        change: impl FnOnce(&mut Message),
    ) -> Result<()> {
        let held = self.table.get_mut(message)?;
        let before = held.bytes();
        change(held);
        let (after, pairs) = (held.bytes(), held.metadata.len());
        self.hold_bytes(before, after)?;
        if pairs > METADATA_MAX {
            bail!("a `wasi:messaging` message has {pairs} metadata, more than {METADATA_MAX}");
        }
        Ok(())
    }

    fn hold_bytes(&mut self, before: usize, after: usize) -> Result<()> {
        self.held_bytes = self.held_bytes - before + after;
        if self.held_bytes > HELD_BYTES_MAX {
            bail!(
                "its `wasi:messaging` messages hold more than {HELD_BYTES_MAX} bytes: drop those \
                 that are done with"
            );
        }
        Ok(())
    }

    fn send_message(
        &mut self,
        topic: String,
        message: Resource<Message>,
    ) -> Result<Result<(), Error>> {
        let message = self.let_go(message)?;
        let sent = self.handling("producer.send").and_then(|call| {
            let key = call.delivery().key.clone();
            call.send(message.outgoing(topic, key.as_ref()))?;
            Ok(())
        });
        Ok(sent.map_err(refused))
    }
}

impl Host for Data {}

impl HostClient for Data {
    fn connect(&mut self, name: String) -> Result<Result<Resource<Client>, Error>> {
        self.count("wasi:messaging.connect")?;
        if !matches!(name.as_str(), "" | "default") {
            return Ok(Err(Error::Connection(format!(
                "there is no `{name}`: this host's own queue is `default`"
            ))));
        }
        Ok(Ok(self.table.push(Client)?))
    }

    fn disconnect(&mut self, _client: Resource<Client>) -> Result<Result<(), Error>> {
        Ok(Ok(()))
    }

    fn drop(&mut self, client: Resource<Client>) -> Result<()> {
        self.table.delete(client)?;
        Ok(())
    }
}

impl HostMessage for Data {
    fn new(&mut self, data: Vec<u8>) -> Result<Resource<Message>> {
        self.count("wasi:messaging.new")?;
        self.hold(Message {
            data: data.into(),
            ..Message::default()
        })
    }

    fn topic(&mut self, message: Resource<Message>) -> Result<Option<String>> {
        self.count("wasi:messaging.topic")?;
        Ok(self.table.get(&message)?.topic.clone())
    }

    fn content_type(&mut self, message: Resource<Message>) -> Result<Option<String>> {
        self.count("wasi:messaging.content-type")?;
        Ok(self.table.get(&message)?.content_type.clone())
    }

    fn set_content_type(&mut self, message: Resource<Message>, to: String) -> Result<()> {
        self.count("wasi:messaging.set-content-type")?;
        self.change(&message, |message| message.content_type = Some(to))
    }

    fn data(&mut self, message: Resource<Message>) -> Result<Vec<u8>> {
        self.count("wasi:messaging.data")?;
        Ok(self.table.get(&message)?.data.to_vec())
    }

    fn set_data(&mut self, message: Resource<Message>, data: Vec<u8>) -> Result<()> {
        self.count("wasi:messaging.set-data")?;
        self.change(&message, |message| message.data = data.into())
    }

    fn metadata(&mut self, message: Resource<Message>) -> Result<Option<Vec<(String, String)>>> {
        self.count("wasi:messaging.metadata")?;
        let metadata = self.table.get(&message)?.metadata.clone();
        Ok(Some(metadata).filter(|it| !it.is_empty()))
    }

    fn add_metadata(
        &mut self,
        message: Resource<Message>,
        key: String,
        value: String,
    ) -> Result<()> {
        self.count("wasi:messaging.add-metadata")?;
        self.change(&message, |message| {
            message.metadata.retain(|(name, _)| *name != key);
            message.metadata.push((key, value));
        })
    }

    fn set_metadata(
        &mut self,
        message: Resource<Message>,
        all: Vec<(String, String)>,
    ) -> Result<()> {
        self.count("wasi:messaging.set-metadata")?;
        self.change(&message, |message| message.metadata = all)
    }

    fn remove_metadata(&mut self, message: Resource<Message>, key: String) -> Result<()> {
        self.count("wasi:messaging.remove-metadata")?;
        self.change(&message, |message| {
            message.metadata.retain(|(name, _)| *name != key);
        })
    }

    fn drop(&mut self, message: Resource<Message>) -> Result<()> {
        self.let_go(message)?;
        Ok(())
    }
}

impl producer::Host for Data {
    fn send(
        &mut self,
        _client: Resource<Client>,
        topic: String,
        message: Resource<Message>,
    ) -> Result<Result<(), Error>> {
        self.count("wasi:messaging.send")?;
        self.send_message(topic, message)
    }
}

impl request_reply::Host for Data {
    fn request(
        &mut self,
        _client: Resource<Client>,
        _topic: String,
        _message: Resource<Message>,
        options: Option<Resource<RequestOptions>>,
    ) -> Result<Result<Vec<Resource<Message>>, Error>> {
        self.count("wasi:messaging.request")?;
        if let Some(options) = options {
            self.table.delete(options)?;
        }
        Ok(Err(Error::Other(
            "a handler cannot wait for an answer, since what it sends leaves with its commit: send \
             the request, and handle the answer as a message"
                .to_owned(),
        )))
    }

    fn reply(
        &mut self,
        reply_to: Resource<Message>,
        message: Resource<Message>,
    ) -> Result<Result<(), Error>> {
        self.count("wasi:messaging.reply")?;
        let mut asked = self.table.get(&reply_to)?.metadata.iter();
        let topic = asked.find(|(name, _)| name == REPLY_TO);
        let topic = topic.map(|(_, topic)| topic.clone());
        match topic {
            Some(topic) => self.send_message(topic, message),
            None => {
                self.let_go(message)?;
                Ok(Err(Error::Other(format!(
                    "the message has no metadata `{REPLY_TO}` that names a topic"
                ))))
            }
        }
    }
}

impl request_reply::HostRequestOptions for Data {
    fn new(&mut self) -> Result<Resource<RequestOptions>> {
        self.count("wasi:messaging.new")?;
        Ok(self.table.push(RequestOptions)?)
    }

    fn set_timeout_ms(&mut self, _options: Resource<RequestOptions>, _timeout: u32) -> Result<()> {
        Ok(())
    }

    fn set_expected_replies(
        &mut self,
        _options: Resource<RequestOptions>,
        _count: u32,
    ) -> Result<()> {
        Ok(())
    }

    fn drop(&mut self, options: Resource<RequestOptions>) -> Result<()> {
        self.table.delete(options)?;
        Ok(())
    }
}

fn refused(error: types::Error) -> Error {
    match error {
        types::Error::UnknownTopic(_) => Error::PermissionDenied(words(error)),
        other => Error::Other(words(other)),
    }
}
