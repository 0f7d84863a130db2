//! Outgoing HTTP over wasi:http. Waiting blocks this instance only: the host yields its thread.

use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    Fields, IncomingBody, IncomingResponse, Method, OutgoingBody, OutgoingRequest, RequestOptions,
    Scheme,
};
use wasip2::io::streams::StreamError;

use super::Wasm;
use crate::{Http, HttpAnswer, HttpRequest};

/// No answer that a plugin understands is larger.
const ANSWER_BYTES_MAX: usize = 1 << 20;
/// What a body stream takes in one call.
const CHUNK_BYTES: usize = 4096;

impl Http for Wasm {
    fn fetch(&mut self, request: HttpRequest<'_>) -> Result<HttpAnswer, String> {
        fetch(&request).map_err(|cause| format!("{}: {cause}", request.url))
    }
}

fn fetch(request: &HttpRequest<'_>) -> Result<HttpAnswer, String> {
    let (outgoing, body) = open(request)?;
    let options = RequestOptions::new();
    let nanoseconds = u64::try_from(request.timeout.as_nanos()).unwrap_or(u64::MAX);
    // A host that knows no timeouts still has its deadline for the whole call.
    let _ = options.set_connect_timeout(Some(nanoseconds));
    let _ = options.set_first_byte_timeout(Some(nanoseconds));
    let pending =
        outgoing_handler::handle(outgoing, Some(options)).map_err(|e| format!("{e:?}"))?;
    send_body(&body, request.post.unwrap_or_default())?;
    OutgoingBody::finish(body, None).map_err(|error| format!("{error:?}"))?;
    pending.subscribe().block();
    let response = pending
        .get()
        .ok_or("no answer")?
        .map_err(|()| "answer taken twice")?
        .map_err(|error| format!("{error:?}"))?;
    Ok(HttpAnswer {
        status: response.status(),
        body: read_body(&response)?,
    })
}

fn open(request: &HttpRequest<'_>) -> Result<(OutgoingRequest, OutgoingBody), String> {
    let (scheme, authority, path) = split(request.url)?;
    let mut headers = vec![("accept".to_owned(), b"application/json".to_vec())];
    if let Some(body) = request.post {
        headers.push(("content-type".to_owned(), b"application/json".to_vec()));
        headers.push((
            "content-length".to_owned(),
            body.len().to_string().into_bytes(),
        ));
    }
    if let Some(key) = request.idempotency_key {
        headers.push(("idempotency-key".to_owned(), key.as_bytes().to_vec()));
    }
    let headers = Fields::from_list(&headers).map_err(|error| format!("headers: {error:?}"))?;
    let outgoing = OutgoingRequest::new(headers);
    let method = if request.post.is_some() {
        Method::Post
    } else {
        Method::Get
    };
    outgoing
        .set_method(&method)
        .and_then(|()| outgoing.set_scheme(Some(&scheme)))
        .and_then(|()| outgoing.set_authority(Some(authority)))
        .and_then(|()| outgoing.set_path_with_query(Some(path)))
        .map_err(|()| "not a usable address")?;
    let body = outgoing.body().map_err(|()| "body taken twice")?;
    Ok((outgoing, body))
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

fn read_body(response: &IncomingResponse) -> Result<Vec<u8>, String> {
    let body: IncomingBody = response.consume().map_err(|()| "body taken twice")?;
    let stream = body.stream().map_err(|()| "body taken twice")?;
    let mut content = Vec::new();
    while content.len() < ANSWER_BYTES_MAX {
        match stream.blocking_read((ANSWER_BYTES_MAX - content.len()) as u64) {
            Ok(chunk) => content.extend(chunk),
            Err(StreamError::Closed) => break,
            Err(error) => return Err(format!("{error:?}")),
        }
    }
    Ok(content)
}
