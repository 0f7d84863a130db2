//! The listener, over real connections.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::{Script, api_with};
use crate::{Limits, listen, serve};

/// A server on a port of the system's choice.
struct Server {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    done: JoinHandle<()>,
}

fn start(limits: Limits, script: Script) -> Server {
    let (api, _) = api_with(limits, script);
    let listener = listen(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a port");
    let address = listener.local_addr().expect("an address");
    let (stop, stopped) = oneshot::channel();
    let service = api.service();
    let done = tokio::spawn(serve(api, service, listener, async {
        // A test that drops the sender wants a stop as well.
        let _ = stopped.await;
    }));
    Server {
        address,
        stop,
        done,
    }
}

async fn connect(server: &Server) -> TcpStream {
    TcpStream::connect(server.address)
        .await
        .expect("a connection")
}

async fn write(stream: &mut TcpStream, text: &str) {
    stream.write_all(text.as_bytes()).await.expect("written");
}

/// Reads until the server closes the connection.
async fn rest(mut stream: TcpStream) -> String {
    let mut text = Vec::new();
    stream.read_to_end(&mut text).await.expect("an orderly end");
    String::from_utf8(text).expect("text")
}

/// Reads until `end` has come.
async fn read_past(stream: &mut TcpStream, end: &str) -> String {
    let mut text = String::new();
    while !text.contains(end) {
        let mut buffer = [0; 1024];
        let read = stream.read(&mut buffer).await.expect("more");
        assert!(read > 0, "the connection ended after {text}");
        text += std::str::from_utf8(&buffer[..read]).expect("text");
    }
    text
}

#[tokio::test]
async fn a_connection_serves_one_request_after_the_other() {
    let server = start(Limits::default(), Script::default());
    let mut stream = connect(&server).await;
    for _ in 0..3 {
        write(
            &mut stream,
            "POST /orders HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{}",
        )
        .await;
        let text = read_past(&mut stream, "{\"order_id\":\"k\"}").await;
        assert!(text.starts_with("HTTP/1.1 202 Accepted\r\n"), "{text}");
    }
}

#[tokio::test]
async fn a_client_that_sends_far_too_much_still_reads_the_refusal() {
    let server = start(Limits::default(), Script::default());
    let mut stream = connect(&server).await;
    let size = 8 << 20;
    let head = format!("POST /orders HTTP/1.1\r\nhost: a\r\ncontent-length: {size}\r\n\r\n");
    write(&mut stream, &head).await;
    // The client sends all of it before it reads anything.
    stream
        .write_all(&vec![b'x'; size])
        .await
        .expect("taken and thrown away");
    let text = read_past(&mut stream, "\r\n\r\n").await;
    assert!(text.starts_with("HTTP/1.1 413 "), "{text}");
}

#[tokio::test]
async fn a_body_that_does_not_come_is_given_up() {
    let limits = Limits {
        body_timeout: Duration::from_millis(20),
        ..Limits::default()
    };
    let server = start(limits, Script::default());
    let mut stream = connect(&server).await;
    write(
        &mut stream,
        "POST /orders HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{",
    )
    .await;
    let text = read_past(&mut stream, "\r\n\r\n").await;
    assert!(text.starts_with("HTTP/1.1 408 "), "{text}");
}

#[tokio::test]
async fn a_body_cut_off_is_no_message() {
    let server = start(Limits::default(), Script::default());
    let mut stream = connect(&server).await;
    write(
        &mut stream,
        "POST /orders HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n{",
    )
    .await;
    stream.shutdown().await.expect("half closed");
    let text = rest(stream).await;
    assert!(text.starts_with("HTTP/1.1 400 "), "{text}");
    assert!(
        text.ends_with("\"detail\":\"the body is incomplete\"}"),
        "{text}"
    );
}

#[tokio::test]
async fn a_head_that_does_not_come_ends_the_connection() {
    let limits = Limits {
        head_timeout: Duration::from_millis(20),
        ..Limits::default()
    };
    let server = start(limits, Script::default());
    let mut stream = connect(&server).await;
    write(&mut stream, "POST /orders HTTP/1.1\r\nhost").await;
    rest(stream).await;
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let limits = Limits {
        head_bytes_max: 8 << 10,
        ..Limits::default()
    };
    let server = start(limits, Script::default());
    let mut stream = connect(&server).await;
    let value = "x".repeat(16 << 10);
    // The server may close before it has read all of this.
    let _ = stream
        .write_all(format!("GET / HTTP/1.1\r\na: {value}\r\n\r\n").as_bytes())
        .await;
    let text = read_past(&mut stream, "\r\n\r\n").await;
    assert!(text.starts_with("HTTP/1.1 431 "), "{text}");
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_for_their_turn() {
    let limits = Limits {
        connections_max: 1,
        ..Limits::default()
    };
    let server = start(limits, Script::default());
    let health = "GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n";
    let mut first = connect(&server).await;
    write(&mut first, health).await;
    read_past(&mut first, "ok\n").await;
    let mut second = connect(&server).await;
    write(&mut second, health).await;
    let mut byte = [0];
    let early = tokio::time::timeout(Duration::from_millis(30), second.read(&mut byte)).await;
    assert!(
        early.is_err(),
        "the second connection was served beside the first"
    );
    drop(first);
    read_past(&mut second, "ok\n").await;
}

#[tokio::test]
async fn a_stop_lets_the_request_in_progress_end_and_then_closes() {
    let server = start(Limits::default(), Script::default());
    let mut stream = connect(&server).await;
    write(
        &mut stream,
        "POST /orders HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n",
    )
    .await;
    // A request on another connection shows that the server has taken up the first by now.
    let mut other = connect(&server).await;
    write(&mut other, "GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n").await;
    read_past(&mut other, "ok\n").await;
    server.stop.send(()).expect("a server");
    write(&mut stream, "{}").await;
    let text = rest(stream).await;
    assert!(text.starts_with("HTTP/1.1 202 "), "{text}");
    server.done.await.expect("an orderly end");
    assert!(
        TcpStream::connect(server.address).await.is_err(),
        "nobody listens any more"
    );
}

#[tokio::test]
async fn a_stop_does_not_wait_for_ever() {
    let limits = Limits {
        drain_timeout: Duration::from_millis(20),
        ..Limits::default()
    };
    let server = start(limits, Script::default());
    let mut stream = connect(&server).await;
    write(
        &mut stream,
        "POST /orders HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n",
    )
    .await;
    let mut other = connect(&server).await;
    write(&mut other, "GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n").await;
    read_past(&mut other, "ok\n").await;
    server.stop.send(()).expect("a server");
    server.done.await.expect("an end");
}
