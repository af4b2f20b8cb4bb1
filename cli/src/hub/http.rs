//! Requests to a hub: with its token, through its redirections, again where it fails for now.
//!
//! They go over the HTTP client of the AWS SDK, the one TLS of this program.

use std::time::Duration;

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::{Connector, tls};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorSettings};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::http::Headers;
use aws_smithy_types::byte_stream::ByteStream;
use bytes::Bytes;
use describe_product::adapters::with_causes;
use reqwest::Url;

use crate::failure::{Exit, Failure, Outcome};

/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// How long the hub may be silent, before an answer and in the middle of one.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(60);

/// How often a request may be sent on.
const MAX_REDIRECTIONS: usize = 10;

/// How often a request is made that fails for now.
const ATTEMPTS: u32 = 5;

/// The pause before the second attempt; it doubles.
const PAUSE: Duration = Duration::from_millis(500);

/// The longest pause that a hub may ask for.
const MAX_PAUSE: Duration = Duration::from_secs(60);

/// The largest answer that is read into memory.
const MAX_TEXT_BYTES: usize = 64 << 20;

/// A hub. It can't be printed, since it has a secret.
pub struct Hub {
    connector: Connector,
    base: Url,
    token: Option<String>,
}

/// A successful answer.
#[derive(Debug)]
pub struct Answer {
    status: u16,
    headers: Headers,
    body: ByteStream,
}

/// Why there is none.
#[derive(Debug)]
pub enum Refusal {
    /// By the network, or by a hub that answers nothing of use.
    Unanswered(String),
    /// By the hub.
    Status {
        /// The status.
        status: u16,
        /// What the hub calls the reason, such as "GatedRepo".
        code: Option<String>,
        /// Its words.
        message: String,
        /// How long it wants to be left alone.
        retry_after: Option<Duration>,
    },
}

impl Hub {
    /// A hub at an address, and a token of one of its users.
    ///
    /// # Errors
    /// When that is no address of a server.
    pub fn new(address: &str, token: Option<String>) -> Outcome<Hub> {
        let base: Url = address
            .parse()
            .ok()
            .filter(|url: &Url| matches!(url.scheme(), "http" | "https") && url.has_host())
            .ok_or_else(|| {
                Failure::usage(format!("{address:?} is no address of a hub"))
                    .next("--hub-url or HF_ENDPOINT is such as https://huggingface.co")
            })?;
        let settings = HttpConnectorSettings::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(SILENCE_TIMEOUT)
            .build();
        let connector = Connector::builder()
            .connector_settings(settings)
            .proxy_config(ProxyConfig::from_env())
            .tls_provider(tls::Provider::Rustls(
                tls::rustls_provider::CryptoMode::Ring,
            ))
            .build();
        Ok(Hub {
            connector,
            base,
            token: token.filter(|token| !token.is_empty()),
        })
    }

    /// Where it is, without a slash at its end.
    #[must_use]
    pub fn address(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    /// Whether a token is sent.
    #[must_use]
    pub fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// An address below the hub's, of parts that are escaped where they need it.
    #[must_use]
    pub fn url(&self, parts: &[&str]) -> Url {
        let mut url = self.base.clone();
        // Fails only where an address has no path, which one of http has.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(parts);
        }
        url
    }

    /// Asks for what is at `url`, from the byte `from` on where that is not 0.
    ///
    /// # Errors
    /// When the hub refuses, or has not answered after some attempts.
    pub async fn get(&self, url: &Url, from: u64) -> Result<Answer, Refusal> {
        let mut pause = PAUSE;
        let mut attempt = 1;
        loop {
            let refusal = match self.follow(url, from).await {
                Ok(answer) => return Ok(answer),
                Err(refusal) => refusal,
            };
            if attempt == ATTEMPTS || !refusal.is_for_now() {
                return Err(refusal);
            }
            attempt += 1;
            let asked = match &refusal {
                Refusal::Status { retry_after, .. } => retry_after.unwrap_or_default(),
                Refusal::Unanswered(_) => Duration::ZERO,
            };
            tokio::time::sleep(pause.max(asked).min(MAX_PAUSE)).await;
            pause *= 2;
        }
    }

    /// One attempt, through all redirections.
    async fn follow(&self, url: &Url, from: u64) -> Result<Answer, Refusal> {
        let mut url = url.clone();
        for _ in 0..=MAX_REDIRECTIONS {
            let answer = self.once(&url, from).await?;
            if !matches!(answer.status, 301 | 302 | 303 | 307 | 308) {
                return answer.checked(&url).await;
            }
            let location = answer.header("location").map(|to| url.join(to));
            let Some(Ok(next)) = location else {
                let what = format!("{url} is somewhere else, and the answer does not say where");
                return Err(Refusal::Unanswered(what));
            };
            url = next;
        }
        let what = format!("{url} is still somewhere else after {MAX_REDIRECTIONS} redirections");
        Err(Refusal::Unanswered(what))
    }

    async fn once(&self, url: &Url, from: u64) -> Result<Answer, Refusal> {
        let unasked =
            |error: &dyn std::fmt::Display| Refusal::Unanswered(format!("{url}: {error}"));
        let mut request = HttpRequest::get(url.as_str()).map_err(|error| unasked(&error))?;
        let headers = request.headers_mut();
        let agent = concat!("lookbook/", env!("CARGO_PKG_VERSION"));
        let mut wanted = vec![("user-agent", agent.to_owned())];
        if from > 0 {
            wanted.push(("range", format!("bytes={from}-")));
        }
        // The token is for the hub alone, not for those whom it has keep its files.
        if let Some(token) = &self.token
            && url.origin() == self.base.origin()
        {
            wanted.push(("authorization", format!("Bearer {token}")));
        }
        for (name, value) in wanted {
            headers
                .try_insert(name, value)
                .map_err(|error| unasked(&error))?;
        }
        let mut response = self.connector.call(request).await.map_err(|error| {
            let why = with_causes(&error);
            Refusal::Unanswered(format!("{url}: {why}"))
        })?;
        Ok(Answer {
            status: response.status().as_u16(),
            headers: std::mem::take(response.headers_mut()),
            body: ByteStream::new(response.into_body()),
        })
    }
}

impl Answer {
    /// 200 or 206.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)
    }

    /// The next piece of the body; nothing at its end.
    ///
    /// # Errors
    /// When the body breaks off or nothing comes for too long.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Refusal> {
        match tokio::time::timeout(SILENCE_TIMEOUT, self.body.next()).await {
            Ok(None) => Ok(None),
            Ok(Some(Ok(piece))) => Ok(Some(piece)),
            Ok(Some(Err(error))) => Err(Refusal::Unanswered(format!("it broke off: {error}"))),
            Err(_) => Err(Refusal::Unanswered(format!(
                "nothing came for {} s",
                SILENCE_TIMEOUT.as_secs()
            ))),
        }
    }

    /// The whole body.
    ///
    /// # Errors
    /// As [`Answer::next`], and when it is too large for a text.
    pub async fn text(mut self) -> Result<Vec<u8>, Refusal> {
        let mut text = Vec::new();
        while let Some(piece) = self.next().await? {
            if text.len() + piece.len() > MAX_TEXT_BYTES {
                return Err(Refusal::Unanswered("the answer is too large".to_owned()));
            }
            text.extend_from_slice(&piece);
        }
        Ok(text)
    }

    /// This answer if it is a success.
    async fn checked(self, url: &Url) -> Result<Answer, Refusal> {
        if matches!(self.status, 200 | 206) {
            return Ok(self);
        }
        let status = self.status;
        let code = self.header("x-error-code").map(str::to_owned);
        let words = self.header("x-error-message").map(str::to_owned);
        let seconds = self
            .header("retry-after")
            .and_then(|text| text.parse().ok());
        let message = match words {
            Some(words) => words,
            // An error's page tells what the header does not; a part of it does.
            None => {
                let body = self.text().await.unwrap_or_default();
                let text = String::from_utf8_lossy(&body);
                text.trim().chars().take(200).collect()
            }
        };
        Err(Refusal::Status {
            status,
            code,
            message: format!("{url}: {message}"),
            retry_after: seconds.map(Duration::from_secs),
        })
    }
}

impl Refusal {
    /// Whether the same request may succeed later.
    #[must_use]
    pub fn is_for_now(&self) -> bool {
        match self {
            Refusal::Unanswered(_) => true,
            Refusal::Status { status, .. } => matches!(status, 408 | 429 | 500..),
        }
    }

    /// For people; `doing` says what was being done.
    #[must_use]
    pub fn failure(&self, doing: &str, hub: &Hub) -> Failure {
        let (status, code, message) = match self {
            Refusal::Unanswered(why) => {
                return Failure::new(Exit::Unavailable, format!("{doing}: {why}"))
                    .next("look at the network and at --hub-url, and run the same command again: it goes on");
            }
            Refusal::Status {
                status,
                code,
                message,
                ..
            } => (*status, code.as_deref(), message),
        };
        let what = match code {
            Some(code) => format!("{doing}: {status} {code}: {message}"),
            None => format!("{doing}: {status}: {message}"),
        };
        let sign_in = match hub.has_token() {
            true => {
                "the token in HF_TOKEN is not enough: it must be of somebody who may read the model"
            }
            false => "set HF_TOKEN to a token of somebody who may read it",
        };
        match (status, code) {
            (_, Some("GatedRepo")) => Failure::new(Exit::Denied, what).next(format!(
                "accept the model's terms on {}; {sign_in}",
                hub.address()
            )),
            // The hub does not tell strangers whether a model is private or isn't there.
            (401 | 404, Some("RepoNotFound")) => Failure::new(Exit::NotFound, what).next(format!(
                "look at the spelling; if the model is private, {sign_in}"
            )),
            (404, _) => Failure::new(Exit::NotFound, what)
                .next("look at the model's name, at --revision and at --hub-url"),
            (401 | 403, _) => Failure::new(Exit::Denied, what).next(sign_in),
            (408 | 429 | 500.., _) => Failure::new(Exit::Unavailable, what)
                .next("the hub fails for now: run the same command again, it goes on"),
            _ => Failure::new(Exit::Failed, what),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hub() -> Hub {
        Hub::new("https://hub.example/mirror/", None).unwrap()
    }

    #[test]
    fn addresses_are_escaped_below_the_hubs() {
        let url = hub().url(&["api", "models", "a", "b", "revision", "refs/pr/1"]);
        assert_eq!(
            url.as_str(),
            "https://hub.example/mirror/api/models/a/b/revision/refs%2Fpr%2F1"
        );
        let url = hub().url(&["a", "b", "resolve", "main", "x y?#.json"]);
        assert_eq!(
            url.as_str(),
            "https://hub.example/mirror/a/b/resolve/main/x%20y%3F%23.json"
        );
        for wrong in ["", "hub.example", "ftp://hub.example", "s3://x"] {
            let failure = Hub::new(wrong, None).err().unwrap();
            assert_eq!(failure.exit, Exit::Usage, "{wrong}");
        }
    }

    #[test]
    fn a_refusal_says_whether_to_sign_in_to_look_or_to_wait() {
        let told = |status, code: Option<&str>| {
            let refusal = Refusal::Status {
                status,
                code: code.map(str::to_owned),
                message: "words".to_owned(),
                retry_after: None,
            };
            (refusal.is_for_now(), refusal.failure("asking", &hub()))
        };
        for (status, code, exit, next) in [
            (401, None, Exit::Denied, "HF_TOKEN"),
            (
                403,
                Some("GatedRepo"),
                Exit::Denied,
                "accept the model's terms",
            ),
            (401, Some("RepoNotFound"), Exit::NotFound, "spelling"),
            (404, Some("RevisionNotFound"), Exit::NotFound, "--revision"),
            (503, None, Exit::Unavailable, "again"),
            (429, None, Exit::Unavailable, "again"),
        ] {
            let (is_for_now, failure) = told(status, code);
            assert_eq!(failure.exit, exit, "{status}");
            assert_eq!(is_for_now, exit == Exit::Unavailable, "{status}");
            assert!(failure.next_step.unwrap().contains(next), "{status}");
            assert!(failure.what.contains("words"), "{}", failure.what);
        }
    }
}
