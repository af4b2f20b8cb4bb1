//! HTTP/1.1 as bytes on a connection, so that an answer can be lost or cut.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const END_OF_LINE: &str = "\r\n";
const END_OF_HEAD: &[u8] = b"\r\n\r\n";
const LONGEST_HEAD: usize = 64 * 1024;

/// A request as it came.
#[derive(Debug)]
pub struct Request {
    /// Its lines, the first one first, without their ends.
    head: Vec<String>,
    /// Its body.
    pub body: Vec<u8>,
}

/// A response as it goes.
#[derive(Debug)]
pub struct Response {
    /// The status.
    pub status: u16,
    head: Vec<String>,
    /// As it is framed by the head.
    body: Vec<u8>,
}

impl Request {
    /// The method.
    pub fn method(&self) -> &str {
        self.word(0)
    }

    /// The path without the query.
    pub fn path(&self) -> &str {
        let target = self.word(1);
        target.split_once('?').map_or(target, |(path, _)| path)
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }

    fn word(&self, index: usize) -> &str {
        let line = self.head.first().map_or("", String::as_str);
        line.split(' ').nth(index).unwrap_or_default()
    }
}

impl Response {
    /// One with a body of this type.
    pub fn new(status: u16, headers: &[(&str, &str)], body: &str) -> Response {
        let mut head = vec![format!("HTTP/1.1 {status} {}", reason(status))];
        head.extend(
            headers
                .iter()
                .map(|(name, value)| format!("{name}: {value}")),
        );
        head.push(format!("content-length: {}", body.len()));
        Response {
            status,
            head,
            body: body.as_bytes().to_vec(),
        }
    }

    /// The whole of it.
    pub fn whole(&self) -> Vec<u8> {
        joined(&self.head, &self.body)
    }

    /// The head and half of the body; of a response without one, half of the head.
    pub fn half(&self) -> Vec<u8> {
        let mut bytes = self.whole();
        let missing = match self.body.len() {
            0 => bytes.len() / 2,
            length => length.div_ceil(2),
        };
        bytes.truncate(bytes.len() - missing);
        bytes
    }

    /// Whether whoever reads it knows its end without the connection's.
    pub fn is_framed(&self, method: &str) -> bool {
        method == "HEAD"
            || matches!(self.status, 204 | 304)
            || ["content-length", "transfer-encoding"]
                .iter()
                .any(|name| header(&self.head, name).is_some())
    }

    fn parse(mut bytes: Vec<u8>) -> io::Result<Response> {
        let end = position(&bytes, END_OF_HEAD).ok_or_else(|| invalid("no head"))?;
        let body = bytes.split_off(end + END_OF_HEAD.len());
        let mut head = lines(&bytes[..end]);
        // It holds between the two that speak, here and there.
        head.retain(|line| !is_named(line, "connection"));
        let status = head
            .first()
            .and_then(|line| line.split(' ').nth(1)?.parse().ok())
            .ok_or_else(|| invalid("no status"))?;
        Ok(Response { status, head, body })
    }
}

/// The next request on a connection; nothing where it ends instead. `buffer` has
/// what was read beyond the one before.
///
/// # Errors
/// When the connection breaks, or what comes is no HTTP that AWS's SDK speaks.
pub async fn read_request(
    stream: &mut TcpStream,
    buffer: &mut Vec<u8>,
) -> io::Result<Option<Request>> {
    let end = loop {
        if let Some(at) = position(buffer, END_OF_HEAD) {
            break at;
        }
        if buffer.len() > LONGEST_HEAD {
            return Err(invalid("a head without an end"));
        }
        if !fill(stream, buffer).await? {
            return Ok(None);
        }
    };
    let head = lines(&buffer[..end]);
    buffer.drain(..end + END_OF_HEAD.len());
    let length: usize = match header(&head, "content-length") {
        Some(length) => length.parse().map_err(|_| invalid("no length"))?,
        None if header(&head, "transfer-encoding").is_some() => {
            return Err(invalid("a body in chunks, which is not read here"));
        }
        None => 0,
    };
    while buffer.len() < length {
        if !fill(stream, buffer).await? {
            return Ok(None);
        }
    }
    let rest = buffer.split_off(length);
    let body = std::mem::replace(buffer, rest);
    Ok(Some(Request { head, body }))
}

/// Passes a request on and gives what is answered.
///
/// # Errors
/// When nobody listens there, or what comes back is no response.
pub async fn forward(request: &Request, to: SocketAddr) -> io::Result<Response> {
    let mut stream = TcpStream::connect(to).await?;
    stream.set_nodelay(true)?;
    // Host and all that is signed stay as they are.
    let mut head = request.head.clone();
    head.retain(|line| !is_named(line, "connection"));
    head.push("connection: close".to_owned());
    stream.write_all(&joined(&head, &request.body)).await?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await?;
    Response::parse(bytes)
}

async fn fill(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<bool> {
    let mut chunk = [0; 8 * 1024];
    let length = stream.read(&mut chunk).await?;
    buffer.extend_from_slice(&chunk[..length]);
    Ok(length > 0)
}

fn joined(head: &[String], body: &[u8]) -> Vec<u8> {
    let mut bytes = head.join(END_OF_LINE).into_bytes();
    bytes.extend_from_slice(END_OF_HEAD);
    bytes.extend_from_slice(body);
    bytes
}

fn lines(head: &[u8]) -> Vec<String> {
    let head = String::from_utf8_lossy(head);
    head.split(END_OF_LINE).map(str::to_owned).collect()
}

fn header<'a>(head: &'a [String], name: &str) -> Option<&'a str> {
    let line = head.iter().skip(1).find(|line| is_named(line, name))?;
    Some(line.split_once(':')?.1.trim())
}

fn is_named(line: &str, name: &str) -> bool {
    line.split_once(':')
        .is_some_and(|(key, _)| key.trim().eq_ignore_ascii_case(name))
}

fn position(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

/// The words that go with a status, which no client reads.
fn reason(status: u16) -> &'static str {
    match status {
        400..500 => "Client Error",
        500.. => "Server Error",
        _ => "OK",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_is_passed_on_without_the_end_of_its_connection() {
        let bytes = b"HTTP/1.1 200 OK\r\nConnection: close\r\ncontent-length: 4\r\n\r\nbody";
        let response = Response::parse(bytes.to_vec()).unwrap();
        assert_eq!(response.status, 200);
        assert!(response.is_framed("GET"));
        let whole = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nbody";
        assert_eq!(response.whole(), whole);
        assert_eq!(response.half(), whole[..whole.len() - 2]);
    }

    #[test]
    fn half_of_a_response_without_a_body_ends_in_its_head() {
        let response = Response::new(503, &[], "");
        let half = response.half();
        assert!(position(&half, END_OF_HEAD).is_none() && !half.is_empty());
    }

    #[tokio::test]
    async fn requests_are_read_one_after_the_other() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut client = TcpStream::connect(address).await.unwrap();
        let (mut server, _) = listener.accept().await.unwrap();
        let both =
            b"PUT /b/k?x-id=PutObject HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabcGET \
                     /c HTTP/1.1\r\nhost: h\r\n\r\n";
        client.write_all(both).await.unwrap();
        drop(client);
        let mut buffer = Vec::new();
        let put = read_request(&mut server, &mut buffer)
            .await
            .unwrap()
            .unwrap();
        assert_eq!((put.method(), put.path()), ("PUT", "/b/k"));
        assert_eq!(put.header("HOST"), Some("h"));
        assert_eq!(put.body, b"abc");
        let get = read_request(&mut server, &mut buffer)
            .await
            .unwrap()
            .unwrap();
        assert_eq!((get.method(), get.path()), ("GET", "/c"));
        assert!(get.body.is_empty());
        let end = read_request(&mut server, &mut buffer).await.unwrap();
        assert!(end.is_none());
    }
}
