//! A mail as a file (RFC 5322). Nothing in it depends on when it is written.

use mail_builder::MessageBuilder;

use crate::domain::{Contact, News};

/// The mail that brings `news`. `id` and `at` are the message's, so that a second attempt renders
/// the same bytes.
pub(crate) fn render(
    from: &str,
    contact: &Contact,
    news: &News,
    id: &str,
    at: u64,
) -> Result<Vec<u8>, String> {
    MessageBuilder::new()
        .from(from)
        .to((contact.name.as_str(), contact.email.as_str()))
        .subject(news.subject())
        .date(i64::try_from(at / 1_000).unwrap_or_default())
        .message_id(format!("{id}@wasmill"))
        .text_body(news.text(&contact.name))
        .write_to_vec()
        .map_err(|error| format!("the mail cannot be rendered: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_is_the_same_at_every_attempt_and_encodes_its_headers() {
        let contact = Contact {
            name: "Zoë".to_owned(),
            email: "zoe@example.org".to_owned(),
        };
        let first = render("shop@localhost", &contact, &News::Welcome, "ab", 1_000).expect("mail");
        let again = render("shop@localhost", &contact, &News::Welcome, "ab", 1_000).expect("mail");
        assert_eq!(first, again);
        let text = String::from_utf8(first).expect("a mail is ASCII");
        assert!(text.contains("To: =?utf-8?"), "{text}");
        assert!(text.contains("<zoe@example.org>"), "{text}");
        assert!(text.contains("Message-ID: <ab@wasmill>"), "{text}");
        assert!(text.is_ascii());
    }
}
