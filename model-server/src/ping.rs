//! `model-server ping`: whether a server on this machine can answer. For the health
//! checks of containers, which have neither a shell nor a client for HTTP.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{anyhow, ensure};

/// `/ping` waits for nothing.
const TIMEOUT: Duration = Duration::from_secs(2);

/// What the answer of a server begins with whose model is loaded.
const READY: [u8; 12] = *b"HTTP/1.1 200";

/// Asks `/ping` of the server that listens on `port`.
///
/// # Errors
/// When nobody answers, or the server is not ready.
pub fn ping(port: u16) -> anyhow::Result<()> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let status = ask(address).map_err(|error| match error.kind() {
        // The first is what Unix says of a time that has passed.
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => anyhow!(
            "no server answers on {address} within {} s",
            TIMEOUT.as_secs()
        ),
        _ => anyhow!(error).context(format!("no server answers on {address}")),
    })?;
    ensure!(
        status == READY,
        "the server on {address} is not ready: it answers {:?}",
        String::from_utf8_lossy(&status)
    );
    Ok(())
}

/// The first bytes of the answer.
fn ask(address: SocketAddr) -> io::Result<[u8; READY.len()]> {
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    stream.write_all(b"GET /ping HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut status = [0; READY.len()];
    stream.read_exact(&mut status)?;
    Ok(status)
}

#[cfg(test)]
mod tests {
    use std::net::{Shutdown, TcpListener};
    use std::thread;

    use super::*;

    /// What `ping` says of a server that answers so.
    fn told(answer: &'static [u8]) -> Result<(), String> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 9];
            stream.read_exact(&mut request).unwrap();
            stream.write_all(answer).unwrap();
            // Who has read the beginning may be gone, and then there is nothing to end.
            let _ = stream.shutdown(Shutdown::Write);
            // Read to its end, or closing would reset the connection.
            let _ = stream.read_to_end(&mut Vec::new());
            request
        });
        let result = ping(port).map_err(|error| format!("{error:#}"));
        assert_eq!(&server.join().unwrap(), b"GET /ping");
        result
    }

    #[test]
    fn only_a_server_that_is_ready_is_well() {
        assert_eq!(
            told(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"),
            Ok(())
        );
        let loading = told(b"HTTP/1.1 503 Service Unavailable\r\n\r\n").unwrap_err();
        assert!(
            loading.ends_with(r#"it answers "HTTP/1.1 503""#),
            "{loading}"
        );
        let broken = told(b"HTTP").unwrap_err();
        assert!(
            broken.starts_with("no server answers on 127.0.0.1:"),
            "{broken}"
        );
    }

    #[test]
    fn a_server_that_does_not_answer_is_not_waited_for() {
        // Connections are taken by the system, and nobody reads them.
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let error = ping(port).unwrap_err().to_string();
        assert_eq!(
            error,
            format!("no server answers on 127.0.0.1:{port} within 2 s")
        );
    }

    #[test]
    fn nobody_is_no_server() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let error = ping(port).unwrap_err().to_string();
        assert_eq!(error, format!("no server answers on 127.0.0.1:{port}"));
    }
}
