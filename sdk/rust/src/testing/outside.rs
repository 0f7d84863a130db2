//! What lies outside of the commit: files and outgoing HTTP.

use std::collections::BTreeMap;
use std::io;

use super::TestHost;
use crate::Files;
#[cfg(feature = "http")]
use crate::http::{Answer, Error, Http, Request};

/// Who answers outgoing requests.
#[cfg(feature = "http")]
type Respond = Box<dyn FnMut(&Request) -> Result<Answer, Error>>;

/// The world outside.
#[derive(Default)]
pub(super) struct Outside {
    files: BTreeMap<String, Vec<u8>>,
    #[cfg(feature = "http")]
    requests: Vec<Request>,
    #[cfg(feature = "http")]
    respond: Option<Respond>,
}

impl TestHost {
    /// The files that were written, or given to begin with, by name. They stay if a handler fails.
    pub fn files(&mut self) -> &mut BTreeMap<String, Vec<u8>> {
        &mut self.outside.files
    }

    /// With somebody who answers outgoing requests. Without, none is granted.
    #[cfg(feature = "http")]
    #[must_use]
    pub fn with_http(
        mut self,
        respond: impl FnMut(&Request) -> Result<Answer, Error> + 'static,
    ) -> Self {
        self.outside.respond = Some(Box::new(respond));
        self
    }

    /// The outgoing requests, those of handlers that failed among them.
    #[cfg(feature = "http")]
    #[must_use]
    pub fn requests(&self) -> &[Request] {
        &self.outside.requests
    }
}

impl Files for TestHost {
    fn write_file(&mut self, name: &str, content: &[u8]) -> io::Result<()> {
        let files = &mut self.outside.files;
        files.insert(name.to_owned(), content.to_vec());
        Ok(())
    }

    fn read_file(&mut self, name: &str) -> io::Result<Option<Vec<u8>>> {
        Ok(self.outside.files.get(name).cloned())
    }
}

#[cfg(feature = "http")]
impl Http for TestHost {
    fn fetch(&mut self, request: Request) -> Result<Answer, Error> {
        let answer = match &mut self.outside.respond {
            Some(respond) => respond(&request).and_then(|answer| bounded(&request, answer)),
            None => Err(Error::new(format_args!(
                "{}: no host is granted to this plugin: give the test host `with_http`",
                request.url
            ))),
        };
        self.outside.requests.push(request);
        answer
    }
}

/// The answer, if the request takes one of its size.
#[cfg(feature = "http")]
fn bounded(request: &Request, answer: Answer) -> Result<Answer, Error> {
    let bytes_max = request.answer_bytes_max;
    if answer.body.len() > bytes_max {
        let url = &request.url;
        return Err(Error::new(format_args!(
            "{url}: the answer is larger than {bytes_max} bytes: see `with_answer_bytes_max`"
        )));
    }
    Ok(answer)
}
