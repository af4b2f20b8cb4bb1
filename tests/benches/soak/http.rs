//! A client of HTTP/1.1 that knows how far a request came.
//!
//! An ordinary client hides what a soak must see: whether a request was sent
//! whole when its connection was cut, and a request that is sent slowly or left
//! in the middle.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

/// How a request is sent.
#[derive(Clone, Copy, Debug)]
pub enum Pace {
    AtOnce,
    /// In so many pieces, with a pause after each.
    Slow {
        pieces: usize,
        pause: Duration,
    },
}

/// The bytes of a request: its head and its body.
pub fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut bytes = head(method, path, headers, body.len() as u64);
    bytes.extend_from_slice(body);
    bytes
}

/// A head that promises a body of `length` bytes.
pub fn head(method: &str, path: &str, headers: &[(&str, &str)], length: u64) -> Vec<u8> {
    let mut head =
        format!("{method} {path} HTTP/1.1\r\nHost: soak\r\nContent-Length: {length}\r\n");
    for (name, value) in headers {
        head.extend([name, ": ", value, "\r\n"]);
    }
    head.push_str("\r\n");
    head.into_bytes()
}

#[derive(Debug)]
pub struct Response {
    pub status: u16,
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Response {
    /// A header's value, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(known, _)| known == name)?;
        Some(value)
    }

    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The code of an error, wherever the endpoint's form of errors has it.
    pub fn error_code(&self) -> Option<String> {
        let body = self.json()?;
        let body = match body["OriginalMessage"].as_str() {
            Some(original) => serde_json::from_str(original).ok()?,
            None => body,
        };
        Some(body["error"]["code"].as_str()?.to_owned())
    }

    /// The status, that of the container where SageMaker's form wraps it.
    pub fn original_status(&self) -> u16 {
        let original = (self.status == 424).then(|| self.json()?["OriginalStatusCode"].as_u64());
        original
            .flatten()
            .map_or(self.status, |status| status as u16)
    }

    pub fn retry_after(&self) -> Option<Duration> {
        let seconds = self.header("retry-after")?.parse().ok()?;
        Some(Duration::from_secs(seconds))
    }

    fn closes(&self) -> bool {
        self.header("connection")
            .is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }

    /// The start of it, for a failure's text.
    pub fn excerpt(&self) -> String {
        let start = &self.body[..self.body.len().min(300)];
        format!("{} {}", self.status, String::from_utf8_lossy(start))
    }
}

/// An exchange that ended without a whole response.
#[derive(Debug)]
pub enum Broken {
    /// There was nobody to connect to.
    NotConnected(io::Error),
    /// The connection ended.
    Cut {
        sent_whole: bool,
        received: usize,
        reason: String,
    },
}

impl std::fmt::Display for Broken {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Broken::NotConnected(error) => write!(formatter, "no connection: {error}"),
            Broken::Cut {
                sent_whole,
                received,
                reason,
            } => {
                let sent = if *sent_whole { "whole" } else { "partly" };
                write!(
                    formatter,
                    "the connection was cut ({reason}), the request {sent} sent, {received} bytes \
                     received"
                )
            }
        }
    }
}

/// A client with a connection that is kept where the server keeps it.
pub struct Client {
    address: SocketAddr,
    kept: Option<TcpStream>,
}

impl Client {
    pub fn new(address: SocketAddr) -> Client {
        Client {
            address,
            kept: None,
        }
    }

    /// Sends a request and reads its response.
    pub async fn exchange(&mut self, request: &[u8], pace: Pace) -> Result<Response, Broken> {
        let mut stream = match self.kept.take() {
            Some(stream) => stream,
            None => connect(self.address).await?,
        };
        let response = exchange(&mut stream, request, pace).await?;
        if !response.closes() {
            self.kept = Some(stream);
        }
        Ok(response)
    }
}

pub async fn connect(address: SocketAddr) -> Result<TcpStream, Broken> {
    let stream = TcpStream::connect(address)
        .await
        .map_err(Broken::NotConnected)?;
    stream.set_nodelay(true).map_err(Broken::NotConnected)?;
    Ok(stream)
}

async fn exchange(stream: &mut TcpStream, request: &[u8], pace: Pace) -> Result<Response, Broken> {
    let (mut from, mut to) = stream.split();
    let mut received = Vec::new();
    let mut sent_whole = false;
    let outcome = {
        let receive = read_response(&mut from, &mut received);
        tokio::pin!(receive);
        let send = send(&mut to, request, pace);
        tokio::select! {
            // A response may come before the request is read to its end.
            response = &mut receive => response,
            sent = send => {
                sent_whole = sent.is_ok();
                // Where sending failed, the response that explains it may
                // still be readable.
                match (receive.await, sent) {
                    (Err(_), Err(error)) => Err(error),
                    (outcome, _) => outcome,
                }
            }
        }
    };
    outcome.map_err(|error| Broken::Cut {
        sent_whole,
        received: received.len(),
        reason: error.to_string(),
    })
}

/// Sends a request at its pace.
pub async fn send(
    to: &mut (impl AsyncWrite + Unpin),
    request: &[u8],
    pace: Pace,
) -> io::Result<()> {
    match pace {
        Pace::AtOnce => to.write_all(request).await,
        Pace::Slow { pieces, pause } => {
            for piece in request.chunks(request.len().div_ceil(pieces).max(1)) {
                to.write_all(piece).await?;
                tokio::time::sleep(pause).await;
            }
            Ok(())
        }
    }
}

/// Reads one response; `received` has all its bytes.
pub async fn read_response(
    from: &mut (impl AsyncRead + Unpin),
    received: &mut Vec<u8>,
) -> io::Result<Response> {
    let head_end = loop {
        if let Some(at) = find(received, b"\r\n\r\n") {
            break at + 4;
        }
        more(from, received).await?;
    };
    let (status, headers) = parse_head(&received[..head_end])
        .ok_or_else(|| malformed("the head of the response is no HTTP/1.1"))?;
    let mut response = Response {
        status,
        headers,
        body: Vec::new(),
    };
    if response.header("transfer-encoding") == Some("chunked") {
        response.body = read_chunks(from, received, head_end).await?;
        return Ok(response);
    }
    let length: usize = match response.header("content-length") {
        Some(length) => length
            .parse()
            .map_err(|_| malformed("the length of the response is no number"))?,
        None => 0,
    };
    while received.len() < head_end + length {
        more(from, received).await?;
    }
    response.body = received[head_end..head_end + length].to_vec();
    Ok(response)
}

async fn read_chunks(
    from: &mut (impl AsyncRead + Unpin),
    received: &mut Vec<u8>,
    mut at: usize,
) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line_end = loop {
            if let Some(end) = find(&received[at..], b"\r\n") {
                break at + end;
            }
            more(from, received).await?;
        };
        let size = std::str::from_utf8(&received[at..line_end])
            .ok()
            .and_then(|line| usize::from_str_radix(line.split(';').next()?.trim(), 16).ok())
            .ok_or_else(|| malformed("a chunk of the response has no size"))?;
        let (start, end) = (line_end + 2, line_end + 2 + size);
        while received.len() < end + 2 {
            more(from, received).await?;
        }
        body.extend_from_slice(&received[start..end]);
        at = end + 2;
        if size == 0 {
            return Ok(body);
        }
    }
}

async fn more(from: &mut (impl AsyncRead + Unpin), received: &mut Vec<u8>) -> io::Result<()> {
    match from.read_buf(received).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}

fn parse_head(head: &[u8]) -> Option<(u16, Vec<(String, String)>)> {
    let mut lines = std::str::from_utf8(head).ok()?.split("\r\n");
    let status = lines.next()?.strip_prefix("HTTP/1.1 ")?.get(..3)?;
    let headers = lines.filter(|line| !line.is_empty()).map(|line| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_ascii_lowercase(), value.trim().to_owned()))
    });
    Some((status.parse().ok()?, headers.collect::<Option<_>>()?))
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}

fn malformed(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
