//! A server with one answer.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// The answer to every request.
pub struct Canned {
    status: u16,
    headers: String,
    body: String,
    delay_ms: u64,
}

impl Canned {
    pub fn new(status: u16, body: impl Into<String>) -> Canned {
        Canned {
            status,
            headers: String::new(),
            body: body.into(),
            delay_ms: 0,
        }
    }

    pub fn with(mut self, name: &str, value: &str) -> Canned {
        self.headers.push_str(&format!("{name}: {value}\r\n"));
        self
    }

    pub fn after_ms(mut self, delay_ms: u64) -> Canned {
        self.delay_ms = delay_ms;
        self
    }
}

/// Listens on a port that the system chooses, until it is dropped.
pub struct Server {
    pub url: String,
    requests: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Server {
    pub async fn start(answer: Canned) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = requests.clone();
        let task = tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let request = read(&mut stream).await;
                let is_head = request.starts_with("HEAD");
                seen.lock().unwrap().push(request);
                tokio::time::sleep(Duration::from_millis(answer.delay_ms)).await;
                let Canned {
                    status,
                    headers,
                    body,
                    ..
                } = &answer;
                let length = body.len();
                let head = format!(
                    "HTTP/1.1 {status} X\r\n{headers}content-length: {length}\r\n\
                     connection: close\r\n\r\n"
                );
                let body = if is_head { "" } else { body };
                stream
                    .write_all(format!("{head}{body}").as_bytes())
                    .await
                    .unwrap();
            }
        });
        Server {
            url,
            requests,
            task,
        }
    }

    /// Head and body of every request so far.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn read(stream: &mut TcpStream) -> String {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&request).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| {
                    line.to_lowercase()
                        .strip_prefix("content-length:")
                        .map(str::to_owned)
                })
                .map_or(0, |length| length.trim().parse().unwrap());
            if body.len() >= length {
                return text;
            }
        }
        let count = stream.read(&mut buffer).await.unwrap();
        if count == 0 {
            return text;
        }
        request.extend(&buffer[..count]);
    }
}
