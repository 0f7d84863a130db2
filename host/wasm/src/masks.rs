//! Masking: a plugin's secrets never stand in what operators read of it.
//!
//! It guards against accidents. A plugin that wants to tell its secret can always encode it; what
//! it can reach with that is what its grants are for.

use std::borrow::Cow;
use std::collections::BTreeMap;

use wasmill_model::routes::SecretFile;
use wasmill_model::secret;

/// The texts to mask, and what to write in their place; the longest first.
#[derive(Debug, Default)]
pub(crate) struct Masks(Vec<Mask>);

struct Mask {
    text: String,
    with: String,
}

impl std::fmt::Debug for Mask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.with)
    }
}

impl Masks {
    /// Masks for these secrets: as they are, as they stand in JSON or in a debugger's quotes, and
    /// each line of those that have several.
    pub(crate) fn of(secrets: &BTreeMap<String, SecretFile>) -> Self {
        let mut masks = Vec::new();
        for (name, file) in secrets {
            let text = file.secret.expose();
            let forms = [text.to_owned(), quoted(text)];
            let lines = text.lines().map(|line| line.trim().to_owned());
            for text in forms.into_iter().chain(lines) {
                if text.len() >= secret::BYTES_MIN {
                    let with = format!("[secret {name}]");
                    masks.push(Mask { text, with });
                }
            }
        }
        masks.sort_by_key(|mask| std::cmp::Reverse(mask.text.len()));
        masks.dedup_by(|one, other| one.text == other.text);
        Self(masks)
    }

    /// `text` without any secret in it.
    pub(crate) fn apply<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut text = Cow::Borrowed(text);
        for mask in &self.0 {
            if text.contains(&mask.text) {
                text = text.replace(&mask.text, &mask.with).into();
            }
        }
        text
    }

    /// How long the longest secret is, in bytes: a text that is cut must be masked with so much of
    /// what follows the cut.
    pub(crate) fn longest(&self) -> usize {
        self.0.first().map_or(0, |mask| mask.text.len())
    }
}

/// A text as it stands between quotes.
fn quoted(text: &str) -> String {
    let quoted = format!("{text:?}");
    quoted[1..quoted.len() - 1].to_owned()
}

#[cfg(test)]
mod tests {
    use wasmill_model::Secret;

    use super::*;

    fn masks(secrets: &[(&str, &str)]) -> Masks {
        let file = |(name, text): &(&str, &str)| {
            let secret = Secret::new(text);
            let path = "/run/secrets/it".into();
            ((*name).to_owned(), SecretFile { path, secret })
        };
        Masks::of(&secrets.iter().map(file).collect())
    }

    #[test]
    fn secrets_are_masked_wherever_they_stand_and_named() {
        let masks = masks(&[
            ("KEY", "sk_live_1"),
            ("LONGER", "sk_live_123"),
            ("ODD", "a\"b\\c\tdefg"),
        ]);
        assert_eq!(masks.apply("nothing"), "nothing");
        assert_eq!(
            masks.apply("Bearer sk_live_1, sk_live_123!"),
            "Bearer [secret KEY], [secret LONGER]!"
        );
        assert_eq!(
            masks.apply(r#"{"x": "a\"b\\c\tdefg"}"#),
            r#"{"x": "[secret ODD]"}"#
        );
        let told = format!("{masks:?}");
        assert!(
            !told.contains("sk_live") && told.contains("[secret KEY]"),
            "{told}"
        );
    }

    #[test]
    fn each_line_of_a_long_secret_is_masked() {
        let masks = masks(&[(
            "PEM",
            "-----BEGIN KEY-----\nMIIEvQIBADANBg\nx=\n-----END KEY-----",
        )]);
        assert_eq!(
            masks.apply("it says MIIEvQIBADANBg"),
            "it says [secret PEM]"
        );
        assert_eq!(masks.apply("x="), "x=", "too short to be masked by itself");
        assert_eq!(masks.longest(), 58, "with its line breaks as JSON has them");
    }
}
