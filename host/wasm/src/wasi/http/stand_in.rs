//! Exchanges with what stands in for the network, within the bounds of those over it.

use std::sync::Arc;

use http::Request;
use http_body_util::{BodyExt, Full};
use wasmtime_wasi_http::{Error, Result, WasiBody};

use super::refusal::Refusal;
use super::{Exchanging, Sent};
use crate::surroundings::HttpClient;

/// Has `client` answer a request.
pub(super) async fn exchange(
    client: Arc<dyn HttpClient>,
    request: Request<WasiBody>,
    exchanging: Exchanging,
) -> Result<Sent> {
    let (parts, asked) = request.into_parts();
    let asked = asked.collect().await?.to_bytes();
    let answer = client.send(Request::from_parts(parts, asked)).await;
    let answer = answer.map_err(|why| Error::InternalError(Some(why)))?;
    let max = exchanging.limits().response_bytes_max;
    if answer.body().len() > max {
        return Err(exchanging.refuse(&Refusal::ResponseBytes(max)));
    }
    let whole = |body| {
        Full::new(body)
            .map_err(|never| match never {})
            .boxed_unsync()
    };
    Ok((answer.map(whole), Box::new(async { Ok(()) })))
}
