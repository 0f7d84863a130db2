//! notify: tells customers, by mail and by text message. Key: the user id.
//!
//! State: `contact`, kept from the registration, since later news name the user only. Mails are
//! `.eml` files in the granted directory, named after their message: a handler that is run again
//! writes the same file. Text messages go to `sms_webhook`, if configured, with the message's id
//! as `Idempotency-Key`. Orders are told of once paid, cancelled, invalid or refunded; a
//! confirmation needs no mail, as the buyer waits for it.

pub mod domain;
mod mail;

use std::time::Duration;

use serde::Serialize;
use wasmill_plugin_kit::messages::{User, topic};
use wasmill_plugin_kit::{
    Failure, Files, Http, HttpRequest, Level, Message, decode, encode, reject, retry,
};

use domain::{Contact, News};

wasmill_plugin_kit::step!(handle);

/// A webhook that takes longer is asked again later.
const WEBHOOK_TIMEOUT: Duration = Duration::from_secs(5);
/// The subscription that sends text messages; every other one writes mails.
const TEXT_SUBSCRIPTION: &str = "notify-welcome-text";

/// Handles news for the user who is its key.
///
/// # Errors
/// What the host refused, or a message that is none of ours.
pub fn handle<H: Files + Http>(host: &mut H, message: &Message) -> Result<(), Failure> {
    match message.topic.as_str() {
        topic::USER_REGISTERED if message.subscription == TEXT_SUBSCRIPTION => {
            welcome_text(host, message, &decode(message)?)
        }
        topic::USER_REGISTERED => welcome_mail(host, message, decode(message)?),
        topic::ORDER_PAID => tell(host, message, &News::Paid(decode(message)?)),
        topic::ORDER_CANCELLED => tell(host, message, &News::Cancelled(decode(message)?)),
        topic::ORDER_INVALID => tell(host, message, &News::Invalid(decode(message)?)),
        topic::ORDER_REFUNDED => tell(host, message, &News::Refunded(decode(message)?)),
        other => Err(reject(format!(
            "notify handles no `{other}`: check its subscriptions"
        ))),
    }
}

fn welcome_mail<H: Files>(host: &mut H, message: &Message, user: User) -> Result<(), Failure> {
    let contact = Contact {
        name: user.name,
        email: user.email,
    };
    host.save("contact", &contact)?;
    write_mail(host, message, &contact, &News::Welcome)
}

fn welcome_text<H: Http>(host: &mut H, message: &Message, user: &User) -> Result<(), Failure> {
    let Some(url) = host.config("sms_webhook") else {
        return Ok(());
    };
    #[derive(Serialize)]
    struct Text<'a> {
        to: &'a str,
        text: String,
    }
    let body = encode(&Text {
        to: &user.phone,
        text: domain::welcome_text(&user.name),
    });
    let answer = host.fetch(HttpRequest {
        url: &url,
        post: Some(&body),
        idempotency_key: Some(&message.id),
        timeout: WEBHOOK_TIMEOUT,
    });
    match answer {
        Ok(answer) if answer.status < 300 => Ok(()),
        Ok(answer) => Err(retry(format!(
            "the text message webhook answered {}",
            answer.status
        ))),
        Err(cause) => Err(retry(format!("the text message webhook: {cause}"))),
    }
}

fn tell<H: Files>(host: &mut H, message: &Message, news: &News) -> Result<(), Failure> {
    let contact: Option<Contact> = host.load("contact")?;
    match contact {
        Some(contact) => write_mail(host, message, &contact, news),
        None => {
            host.log(
                Level::Debug,
                &format!("no address for {:?}: no mail", message.key),
            );
            Ok(())
        }
    }
}

fn write_mail<H: Files>(
    host: &mut H,
    message: &Message,
    contact: &Contact,
    news: &News,
) -> Result<(), Failure> {
    let from = host
        .config("mail_from")
        .unwrap_or_else(|| "shop@localhost".to_owned());
    let mail =
        mail::render(&from, contact, news, &message.id, message.produced_at).map_err(retry)?;
    host.write_file(&format!("{}-{}.eml", message.topic, message.id), &mail)
        .map_err(retry)
}
