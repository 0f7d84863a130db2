//! What is recorded, what is played, and what of the two differs.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use super::*;

fn body(bytes: &[u8]) -> WasiBody {
    let body = Full::new(Bytes::copy_from_slice(bytes));
    body.map_err(|never| match never {}).boxed_unsync()
}

fn request(method: &str, uri: &str, content: &str) -> Request<WasiBody> {
    let request = Request::builder().method(method).uri(uri);
    request.body(body(content.as_bytes())).unwrap()
}

/// Has the recording see a request, whose body is sent, and an answer of which the guest reads all,
/// or nothing.
async fn exchange(
    recording: &Recording,
    (method, uri, content): (&str, &str, &str),
    bytes: &[u8],
    reads: bool,
) {
    let (request, place) = recording.asked(request(method, uri, content));
    let sent = async {
        request.into_body().collect().await?;
        Ok((Response::new(body(bytes)), ()))
    };
    let (response, ()) = recording.clone().recorded(place, sent).await.unwrap();
    if reads {
        let read = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(read, bytes);
    }
}

async fn answer(recording: &Recording, uri: &str, bytes: &[u8], reads: bool) {
    exchange(recording, ("GET", uri, ""), bytes, reads).await;
}

async fn played(recording: &Recording, method: &str, uri: &str, content: &str) -> Option<Bytes> {
    let ends = Instant::now() + Duration::from_secs(60);
    let asked = request(method, uri, content);
    let response = recording.clone().play(asked, ends).await.ok()?;
    Some(response.into_body().collect().await.unwrap().to_bytes())
}

/// As `what: running; candidate`.
fn differences(recording: &Recording) -> Vec<String> {
    let all = recording.differences().into_iter();
    all.map(|it| format!("{}: {}; {}", it.what, it.running, it.candidate))
        .collect()
}

#[tokio::test]
async fn answers_are_played_once_each_in_order_to_the_same_request() {
    let recording = Recording::default();
    answer(&recording, "http://a/x", b"one", true).await;
    answer(&recording, "http://a/y", b"other", true).await;
    answer(&recording, "http://a/x", b"two", true).await;
    let play = async |method, uri| played(&recording, method, uri, "").await;
    assert_eq!(play("POST", "http://a/x").await, None);
    assert_eq!(play("GET", "http://a/x").await.unwrap(), "one");
    assert_eq!(play("GET", "http://a/x").await.unwrap(), "two");
    assert_eq!(play("GET", "http://a/x").await, None);
    assert_eq!(play("GET", "http://a/y").await.unwrap(), "other");
    assert_eq!(recording.unanswered(), 2);
    assert_eq!(
        differences(&recording),
        [
            "request `POST a/x`: not sent; no body",
            "request `GET a/x`: not sent; no body"
        ]
    );
}

#[tokio::test]
async fn what_was_not_read_or_is_too_large_is_not_played() {
    let recording = Recording::default();
    answer(&recording, "http://a/unread", b"one", false).await;
    answer(&recording, "http://a/small", b"two", true).await;
    answer(&recording, "http://a/large", &vec![0; BYTES_MAX], true).await;
    let (_, place) = recording.asked(request("GET", "http://a/failed", ""));
    let failed = async { Err::<(Response<WasiBody>, ()), _>(Error::HttpRequestDenied) };
    recording.clone().recorded(place, failed).await.unwrap_err();
    for uri in ["http://a/unread", "http://a/large", "http://a/failed"] {
        assert_eq!(played(&recording, "GET", uri, "").await, None, "{uri}");
    }
    let small = played(&recording, "GET", "http://a/small", "").await;
    assert_eq!(small.unwrap(), "two");
    assert_eq!(recording.unanswered(), 2, "a failure is played as one");
    assert_eq!(differences(&recording), [""; 0], "all were asked for");
}

#[tokio::test]
async fn requests_that_were_not_made_and_bodies_that_are_others_differ() {
    let recording = Recording::default();
    for content in ["1 coin", "2 coins"] {
        exchange(
            &recording,
            ("POST", "http://a/pay?key=k", content),
            b"paid",
            true,
        )
        .await;
    }
    exchange(&recording, ("POST", "http://a:8080/tell", "it"), b"", true).await;
    // In another order, which is none.
    for content in ["2 coins", "3 coins"] {
        let answer = played(&recording, "POST", "http://a/pay?key=k", content).await;
        assert_eq!(answer.unwrap(), "paid");
    }
    let told = differences(&recording);
    let [body, unasked] = &told[..] else {
        panic!("{told:?}")
    };
    let expected = "request `POST a/pay?...`: body: 6 bytes, SHA-256 ";
    assert!(body.starts_with(expected), "{body}");
    assert!(body.contains("; 7 bytes, SHA-256 "), "{body}");
    let expected = "request `POST a:8080/tell`: 2 bytes, SHA-256 ";
    assert!(unasked.starts_with(expected), "{unasked}");
    assert!(unasked.ends_with("; not sent"), "{unasked}");
    assert_eq!(recording.unanswered(), 0);
}

#[tokio::test]
async fn a_body_that_was_not_sent_to_its_end_is_not_compared() {
    let recording = Recording::default();
    // Whoever answers before it has read the request.
    let (asked, place) = recording.asked(request("POST", "http://a/x", "long"));
    let sent = async { Ok((Response::new(body(b"no")), ())) };
    let (response, ()) = recording.clone().recorded(place, sent).await.unwrap();
    response.into_body().collect().await.unwrap();
    drop(asked);
    let answer = played(&recording, "POST", "http://a/x", "other").await;
    assert_eq!(answer.unwrap(), "no");
    assert_eq!(differences(&recording), [""; 0]);
}

#[tokio::test]
async fn requests_to_which_nothing_can_be_played_are_told_by_method_and_url() {
    let recording = Recording::default();
    answer(&recording, "http://a/x", b"one", true).await;
    assert!(played(&recording, "GET", "http://a/x", "").await.is_some());
    assert!(
        played(&recording, "GET", "http://a/x?y=1", "")
            .await
            .is_none()
    );
    assert!(
        played(&recording, "POST", "http://a/x", "z")
            .await
            .is_none()
    );
    let told = ["GET http://a/x?y=1", "POST http://a/x"];
    assert_eq!(recording.unplayed(), told);
    assert_eq!(recording.unanswered(), 2);
}

/// A body that its sender ends only once it has the answer.
struct Open(Option<Bytes>);

impl http_body::Body for Open {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>>>> {
        match self.0.take() {
            Some(data) => Poll::Ready(Some(Ok(http_body::Frame::data(data)))),
            None => Poll::Pending,
        }
    }
}

#[tokio::test]
async fn a_body_is_not_waited_for_behind_what_its_head_announces() {
    let recording = Recording::default();
    exchange(&recording, ("POST", "http://a/x", "four"), b"one", true).await;
    let (asked, ends) = (
        request("POST", "http://a/x", ""),
        Instant::now() + Duration::from_secs(60),
    );
    let (mut head, _) = asked.into_parts();
    head.headers.insert("content-length", "4".parse().unwrap());
    let open = Open(Some(Bytes::from_static(b"four"))).boxed_unsync();
    let played = recording
        .clone()
        .play(Request::from_parts(head, open), ends)
        .await;
    assert_eq!(
        played
            .unwrap()
            .into_body()
            .collect()
            .await
            .unwrap()
            .to_bytes(),
        "one"
    );
    assert_eq!(differences(&recording), [] as [&str; 0]);
}
