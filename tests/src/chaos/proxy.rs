//! What stands between the function and what it calls: it passes calls on, makes
//! faults, and keeps the ledger.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::error_shapes;
use super::faults::{Fault, Faults, Service};
use super::http::{Request, forward, read_request};
use super::kills::Occupation;
use super::ledger::Ledger;

/// For how long a connection of a process that is to die is kept.
const AGONY: Duration = Duration::from_secs(10);

/// What all proxies share.
#[derive(Debug)]
pub struct Surroundings {
    /// Where the endpoint's SageMaker runtime is.
    pub endpoint: SocketAddr,
    /// Where the Bedrock runtime is.
    pub bedrock: SocketAddr,
    /// Where S3 is.
    pub s3: SocketAddr,
    /// What goes wrong.
    pub faults: Faults,
    /// What was seen.
    pub ledger: Ledger,
    /// For how long a slow call lasts: longer than an invocation.
    pub slowness: Duration,
}

/// Listens for one worker's calls to all three services, on a port of the system's
/// choice, as long as the runtime lives.
///
/// # Errors
/// When there is no port.
pub async fn listen(
    surroundings: Arc<Surroundings>,
    occupation: Arc<Occupation>,
) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.context("cannot listen on 127.0.0.1")?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let connection = Connection {
                surroundings: Arc::clone(&surroundings),
                process: occupation.process(),
                occupation: Arc::clone(&occupation),
                stream,
            };
            // A connection that breaks is the function's matter.
            tokio::spawn(async move { connection.serve().await });
        }
    });
    Ok(address)
}

struct Connection {
    surroundings: Arc<Surroundings>,
    occupation: Arc<Occupation>,
    /// The process that opened it.
    process: u64,
    stream: TcpStream,
}

impl Connection {
    async fn serve(mut self) -> io::Result<()> {
        self.stream.set_nodelay(true)?;
        let mut buffer = Vec::new();
        while let Some(request) = read_request(&mut self.stream, &mut buffer).await? {
            // What a dead process has sent, and nobody has read until now.
            if self.process != self.occupation.process() {
                return Ok(());
            }
            if !self.answer(&request).await? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Answers a call. Says whether the connection lives on.
    async fn answer(&mut self, request: &Request) -> io::Result<bool> {
        let invocation = self.occupation.invocation();
        let surroundings = Arc::clone(&self.surroundings);
        let ledger = &surroundings.ledger;
        let service = Service::of(request);
        let strike = surroundings.faults.next(request);
        ledger.made(request, strike);
        let fault = strike.map(|strike| strike.fault);
        match (fault, strike) {
            (Some(Fault::Reset), _) => return self.reset(),
            (Some(Fault::Slow), _) => {
                self.until_given_up(surroundings.slowness).await;
                return Ok(false);
            }
            (Some(fault @ (Fault::Throttled | Fault::Failed | Fault::Outage)), Some(strike)) => {
                let error = error_shapes::response(service, fault, strike.form, request.method());
                self.stream.write_all(&error.whole()).await?;
                return Ok(true);
            }
            _ => {}
        }
        let response = match forward(request, surroundings.address(service)).await {
            Ok(response) => response,
            Err(_) => return self.reset(),
        };
        let moment = ledger.answered(request, &response);
        if moment.is_some_and(|moment| self.occupation.strikes_at(moment)) {
            self.until_given_up(AGONY).await;
            return Ok(false);
        }
        match fault {
            Some(Fault::AnswerLost) => self.reset(),
            Some(Fault::HalfAnswer) => {
                self.stream.write_all(&response.half()).await?;
                Ok(false)
            }
            _ => {
                // Before it is written: whoever has read it may be done at once.
                ledger.came_through(request, &response, invocation);
                self.stream.write_all(&response.whole()).await?;
                Ok(response.is_framed(request.method()))
            }
        }
    }

    /// Ends the connection so that the other side is told of a reset.
    fn reset(&self) -> io::Result<bool> {
        self.stream.set_zero_linger()?;
        Ok(false)
    }

    /// Waits until the other side leaves, at most for so long. It says nothing more
    /// before it is answered.
    async fn until_given_up(&mut self, longest: Duration) {
        let mut byte = [0];
        // Whether it leaves or the time is over is all the same.
        let _ = tokio::time::timeout(longest, self.stream.read(&mut byte)).await;
    }
}

impl Surroundings {
    fn address(&self, service: Service) -> SocketAddr {
        match service {
            Service::Endpoint => self.endpoint,
            Service::Bedrock => self.bedrock,
            Service::S3 => self.s3,
        }
    }
}
