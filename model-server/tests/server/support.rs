//! A server in this process, and what a client needs.

use std::io::Cursor;
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use image::{ImageFormat, Rgb, RgbImage};
use model_server::backend::Backend;
use model_server::backend::fake::FakeBackend;
use model_server::router::HttpLimits;
use model_server::serve::{ServeOptions, serve};
use reqwest::Response;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Long enough for anything on a busy machine; a test that gets here hangs.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub struct Server {
    pub address: SocketAddr,
    client: reqwest::Client,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<anyhow::Result<()>>,
}

impl Server {
    /// A server that is ready.
    pub async fn start(backend: Arc<dyn Backend>) -> Server {
        Server::start_with(ServeOptions::default(), backend).await
    }

    pub async fn start_with(options: ServeOptions, backend: Arc<dyn Backend>) -> Server {
        let server = Server::loading(options, move || Ok(backend)).await;
        server.until_ready().await;
        server
    }

    /// A server that may still be loading.
    pub async fn loading(
        options: ServeOptions,
        load: impl FnOnce() -> anyhow::Result<Arc<dyn Backend>> + Send + 'static,
    ) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(serve(listener, options, load, async {
            let _ = stopped.await;
        }));
        let client = reqwest::Client::builder()
            .no_proxy()
            .timeout(PATIENCE)
            // Where a server closes idle connections soon, none is to be used
            // just then.
            .pool_idle_timeout(Duration::from_millis(100))
            .build()
            .unwrap();
        Server {
            address,
            client,
            stop: Some(stop),
            task,
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub async fn ping(&self) -> Response {
        self.client.get(self.url("/ping")).send().await.unwrap()
    }

    pub async fn until_ready(&self) {
        let started = Instant::now();
        while self.ping().await.status() != 200 {
            assert!(started.elapsed() < PATIENCE, "the server is never ready");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// A request on its way.
    pub fn invoke(&self, body: &Value) -> JoinHandle<reqwest::Result<Response>> {
        tokio::spawn(self.client.post(self.url("/invocations")).json(body).send())
    }

    pub async fn post(&self, body: &Value) -> (u16, Value) {
        read(self.invoke(body).await.unwrap().unwrap()).await
    }

    pub async fn request(
        &self,
        builder: impl FnOnce(&reqwest::Client) -> reqwest::RequestBuilder,
    ) -> Response {
        builder(&self.client).send().await.unwrap()
    }

    /// A POST to `/invocations` with these headers.
    pub async fn send(&self, headers: &[(&str, &str)], body: impl Into<reqwest::Body>) -> Response {
        let body = body.into();
        let url = self.url("/invocations");
        let request = |client: &reqwest::Client| {
            let request = client.post(url).body(body);
            headers.iter().fold(request, |request, &(name, value)| {
                request.header(name, value)
            })
        };
        self.request(request).await
    }

    pub async fn get(&self, path: &str) -> Response {
        self.request(|client| client.get(self.url(path))).await
    }

    pub fn begin_stop(&mut self) {
        let _ = self.stop.take().unwrap().send(());
    }

    /// Waits for the end, which must have begun.
    pub async fn ended(self) -> anyhow::Result<()> {
        tokio::time::timeout(PATIENCE, self.task)
            .await
            .expect("the server never ends")
            .unwrap()
    }

    pub async fn stop(mut self) {
        self.begin_stop();
        self.ended().await.unwrap();
    }
}

pub async fn read(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    assert_eq!(response.headers()["content-type"], "application/json");
    (status, response.json().await.unwrap())
}

/// The default options but for how clients are listened to.
pub fn with_http(http: HttpLimits) -> ServeOptions {
    ServeOptions {
        http,
        ..ServeOptions::default()
    }
}

/// The code of the error that an answer is.
pub fn code(answer: &Value) -> &str {
    answer["error"]["code"].as_str().unwrap_or("none")
}

/// Waits until the condition holds.
pub async fn eventually(condition: impl Fn() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < PATIENCE, "waited in vain");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// A backend that answers each prompt with its own text and the size of the photo.
pub fn echo() -> Arc<FakeBackend> {
    FakeBackend::answering(|seen, prompt| {
        let asked = prompt
            .trim_start_matches("Question: ")
            .trim_end_matches(" Answer: ");
        format!("{asked}: {}x{}", seen.width, seen.height)
    })
}

/// Something that inference waits at.
#[derive(Default)]
pub struct Gate {
    state: Mutex<GateState>,
    changed: Condvar,
}

#[derive(Default)]
struct GateState {
    is_open: bool,
    arrived: usize,
}

impl Gate {
    pub fn closed() -> Arc<Gate> {
        Arc::default()
    }

    pub fn open(&self) {
        self.state.lock().unwrap().is_open = true;
        self.changed.notify_all();
    }

    pub fn pass(&self) {
        let mut state = self.state.lock().unwrap();
        state.arrived += 1;
        let (_state, timeout) = self
            .changed
            .wait_timeout_while(state, PATIENCE, |state| !state.is_open)
            .unwrap();
        assert!(!timeout.timed_out(), "the gate was never opened");
    }

    pub async fn until_arrived(&self, count: usize) {
        eventually(|| self.state.lock().unwrap().arrived >= count).await;
    }
}

/// [`echo`] behind a gate.
pub fn gated(gate: &Arc<Gate>) -> Arc<FakeBackend> {
    let gate = Arc::clone(gate);
    FakeBackend::answering(move |seen, prompt| {
        gate.pass();
        let asked = prompt
            .trim_start_matches("Question: ")
            .trim_end_matches(" Answer: ");
        format!("{asked}: {}x{}", seen.width, seen.height)
    })
}

pub fn picture(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        Rgb([(x * 5) as u8, (y * 3) as u8, (x + y) as u8])
    })
}

pub fn encoded(picture: &RgbImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

pub fn base64(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::prelude::BASE64_STANDARD.encode(bytes)
}

pub fn png(width: u32, height: u32) -> String {
    base64(&encoded(&picture(width, height), ImageFormat::Png))
}

pub fn question(prompt: &str) -> Value {
    json!({"image": png(4, 3), "prompt": prompt})
}

/// Sends bytes as they are, and reads to the end of the connection.
pub async fn raw(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request).await.unwrap();
    read_to_end(&mut stream).await
}

pub async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer))
        .await
        .unwrap()
        .unwrap();
    String::from_utf8(answer).unwrap()
}
