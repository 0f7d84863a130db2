//! Outgoing HTTP over wasi:http. Waiting blocks this instance only: the host yields its thread.

use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    Fields, IncomingBody, IncomingResponse, Method, OutgoingBody, OutgoingRequest, RequestOptions,
    Scheme,
};
use wasip2::io::streams::StreamError;

use super::Sandbox;
use crate::Http;
use crate::http::{Answer, Error, Request};

/// What a body stream takes in one call.
const CHUNK_BYTES: usize = 4096;
/// What is read of an answer in one call.
const READ_BYTES: u64 = 64 << 10;

impl Http for Sandbox {
    fn fetch(&mut self, request: Request) -> Result<Answer, Error> {
        fetch(&request).map_err(|cause| Error::new(format_args!("{}: {cause}", request.url)))
    }
}

fn fetch(request: &Request) -> Result<Answer, String> {
    let (outgoing, body) = open(request)?;
    let options = RequestOptions::new();
    let nanoseconds = u64::try_from(request.timeout.as_nanos()).unwrap_or(u64::MAX);
    // A host that knows no timeouts still has its deadline for the whole call.
    let _ = options.set_connect_timeout(Some(nanoseconds));
    let _ = options.set_first_byte_timeout(Some(nanoseconds));
    let pending =
        outgoing_handler::handle(outgoing, Some(options)).map_err(|error| format!("{error:?}"))?;
    send_body(&body, &request.body)?;
    OutgoingBody::finish(body, None).map_err(|error| format!("{error:?}"))?;
    pending.subscribe().block();
    let response = pending
        .get()
        .ok_or("no answer")?
        .map_err(|()| "answer taken twice")?
        .map_err(|error| format!("{error:?}"))?;
    Ok(Answer {
        status: response.status(),
        headers: headers_of(&response),
        body: read_body(&response, request.answer_bytes_max)?,
    })
}

fn open(request: &Request) -> Result<(OutgoingRequest, OutgoingBody), String> {
    let (scheme, authority, path) = split(&request.url)?;
    let given = request.headers.iter();
    let mut headers: Vec<_> = given
        .map(|(name, value)| (name.clone(), value.clone().into_bytes()))
        .collect();
    if !request.body.is_empty() {
        let length = request.body.len().to_string();
        headers.push(("content-length".to_owned(), length.into_bytes()));
    }
    let headers = Fields::from_list(&headers).map_err(|error| format!("headers: {error:?}"))?;
    let outgoing = OutgoingRequest::new(headers);
    outgoing
        .set_method(&method(&request.method))
        .and_then(|()| outgoing.set_scheme(Some(&scheme)))
        .and_then(|()| outgoing.set_authority(Some(authority)))
        .and_then(|()| outgoing.set_path_with_query(Some(path)))
        .map_err(|()| "not a usable address or method")?;
    let body = outgoing.body().map_err(|()| "body taken twice")?;
    Ok((outgoing, body))
}

fn method(name: &str) -> Method {
    match name {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "DELETE" => Method::Delete,
        "OPTIONS" => Method::Options,
        "PATCH" => Method::Patch,
        other => Method::Other(other.to_owned()),
    }
}

/// Scheme, authority and path of an address.
fn split(url: &str) -> Result<(Scheme, &str, &str), String> {
    let (scheme, rest) = match url.split_once("://") {
        Some(("http", rest)) => (Scheme::Http, rest),
        Some(("https", rest)) => (Scheme::Https, rest),
        _ => return Err("an address begins with http:// or https://".to_owned()),
    };
    let slash = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(slash);
    Ok((scheme, authority, if path.is_empty() { "/" } else { path }))
}

fn send_body(body: &OutgoingBody, content: &[u8]) -> Result<(), String> {
    let stream = body.write().map_err(|()| "body taken twice")?;
    for chunk in content.chunks(CHUNK_BYTES) {
        stream
            .blocking_write_and_flush(chunk)
            .map_err(|error| format!("{error:?}"))?;
    }
    Ok(())
}

/// Those that are text.
fn headers_of(response: &IncomingResponse) -> Vec<(String, String)> {
    let entries = response.headers().entries().into_iter();
    let texts = entries.filter_map(|(name, value)| Some((name, String::from_utf8(value).ok()?)));
    texts.collect()
}

/// The whole body: half of one is no answer.
fn read_body(response: &IncomingResponse, bytes_max: usize) -> Result<Vec<u8>, String> {
    let body: IncomingBody = response.consume().map_err(|()| "body taken twice")?;
    let stream = body.stream().map_err(|()| "body taken twice")?;
    let mut content = Vec::new();
    loop {
        match stream.blocking_read(READ_BYTES) {
            Ok(chunk) => content.extend(chunk),
            Err(StreamError::Closed) => return Ok(content),
            Err(error) => return Err(format!("{error:?}")),
        }
        if content.len() > bytes_max {
            return Err(format!(
                "the answer is larger than {bytes_max} bytes: see `with_answer_bytes_max`"
            ));
        }
    }
}
