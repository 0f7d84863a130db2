//! Templates of keys and paths: text with `{name}` and `{?name}` in it.

/// A template, read once and filled in for every request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    /// A parameter of the path.
    Path(String),
    /// A parameter of the query string.
    Query(String),
}

/// A parameter that the request does not have.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Missing(pub(crate) String);

impl Template {
    /// Reads a template. Braces that do not match are plain text: whoever wrote the routes was
    /// told so when they were read.
    pub(crate) fn new(text: &str) -> Self {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{')
            && let Some((name, after)) = after.split_once('}')
        {
            parts.push(Part::Text(before.to_owned()));
            parts.push(match name.strip_prefix('?') {
                Some(name) => Part::Query(name.to_owned()),
                None => Part::Path(name.to_owned()),
            });
            rest = after;
        }
        parts.push(Part::Text(rest.to_owned()));
        Self(parts)
    }

    /// The text with the values of these parameters.
    pub(crate) fn fill(
        &self,
        params: &[(String, String)],
        query: &[(String, String)],
    ) -> Result<String, Missing> {
        let mut text = String::new();
        for part in &self.0 {
            text += match part {
                Part::Text(plain) => plain,
                Part::Path(name) => find(params, name)?,
                Part::Query(name) => find(query, name)?,
            };
        }
        Ok(text)
    }
}

fn find<'a>(pairs: &'a [(String, String)], name: &str) -> Result<&'a str, Missing> {
    let found = pairs.iter().find(|(candidate, _)| candidate == name);
    found
        .map(|(_, value)| value.as_str())
        .ok_or_else(|| Missing(name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(name: &str, value: &str) -> Vec<(String, String)> {
        vec![(name.to_owned(), value.to_owned())]
    }

    #[test]
    fn parameters_of_path_and_query_are_filled_in() {
        let template = Template::new("a-{id}/{?sku}!");
        let filled = template.fill(&pairs("id", "7"), &pairs("sku", "x"));
        assert_eq!(filled.as_deref(), Ok("a-7/x!"));
    }

    #[test]
    fn a_parameter_of_the_path_is_not_taken_from_the_query() {
        let filled = Template::new("{id}").fill(&[], &pairs("id", "7"));
        assert_eq!(filled, Err(Missing("id".to_owned())));
    }
}
