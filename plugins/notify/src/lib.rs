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

use serde_json::json;
use wasmill_plugin_kit::messages::{User, topic};
use wasmill_sdk::http::Request;
use wasmill_sdk::{Failure, Files, Http, Level, Message, retry};

use domain::{Contact, News};

wasmill_sdk::export!(handle);

/// A webhook that takes longer is asked again later.
const WEBHOOK_TIMEOUT: Duration = Duration::from_secs(5);
/// The subscription that sends text messages; every other one writes mails.
const TEXT_SUBSCRIPTION: &str = "notify-welcome-text";

/// Handles news for the user who is its key.
///
/// # Errors
/// What the host refused, or a message that is none of ours.
pub fn handle(host: &mut (impl Files + Http), message: &Message) -> Result<(), Failure> {
    match message.topic.as_str() {
        topic::USER_REGISTERED if message.subscription == TEXT_SUBSCRIPTION => {
            welcome_text(host, message, &message.json()?)
        }
        topic::USER_REGISTERED => welcome_mail(host, message, message.json()?),
        topic::ORDER_PAID => tell(host, message, &News::Paid(message.json()?)),
        topic::ORDER_CANCELLED => tell(host, message, &News::Cancelled(message.json()?)),
        topic::ORDER_INVALID => tell(host, message, &News::Invalid(message.json()?)),
        topic::ORDER_REFUNDED => tell(host, message, &News::Refunded(message.json()?)),
        _ => Err(message.unexpected()),
    }
}

fn welcome_mail(host: &mut impl Files, message: &Message, user: User) -> Result<(), Failure> {
    let contact = Contact {
        name: user.name,
        email: user.email,
    };
    host.save("contact", &contact)?;
    write_mail(host, message, &contact, &News::Welcome)
}

fn welcome_text(host: &mut impl Http, message: &Message, user: &User) -> Result<(), Failure> {
    let Some(url) = host.config("sms_webhook") else {
        return Ok(());
    };
    let text = json!({ "to": user.phone, "text": domain::welcome_text(&user.name) });
    let request = Request::post(url, &text)?
        .with_idempotency_key(&message.id)
        .with_timeout(WEBHOOK_TIMEOUT);
    match host.fetch(request) {
        Ok(answer) if answer.is_success() => Ok(()),
        Ok(answer) => Err(retry(format!(
            "the text message webhook answered {}",
            answer.status
        ))),
        Err(cause) => Err(retry(format!("the text message webhook: {cause}"))),
    }
}

fn tell(host: &mut impl Files, message: &Message, news: &News) -> Result<(), Failure> {
    let contact: Option<Contact> = host.load("contact")?;
    match contact {
        Some(contact) => write_mail(host, message, &contact, news),
        None => {
            let line = format_args!("no address for {:?}: no mail", message.key);
            host.log(Level::Debug, line);
            Ok(())
        }
    }
}

fn write_mail(
    host: &mut impl Files,
    message: &Message,
    contact: &Contact,
    news: &News,
) -> Result<(), Failure> {
    let from = host
        .config("mail_from")
        .unwrap_or_else(|| "shop@localhost".to_owned());
    let mail =
        mail::render(&from, contact, news, &message.id, message.produced_at).map_err(retry)?;
    let name = format!("{}-{}.eml", message.topic, message.id);
    Ok(host.write_file(&name, &mail)?)
}
