//! moto_server: the control plane of AWS, and S3, as a process.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use local_stack::{Process, repository};
use tokio::process::Command;

/// How long Python may take to have it all loaded, on a busy machine.
const READY_TIMEOUT: Duration = Duration::from_secs(120);

/// A running server with an account of its own. It is killed when dropped.
pub struct Moto {
    _process: Process,
    url: String,
}

impl Moto {
    pub async fn start(folder: &Path) -> Moto {
        let program = program();
        // It cannot be told to let the system choose its port and to say which it was.
        // Between the look and its start somebody else may take the port.
        let mut last = String::new();
        for _ in 0..3 {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address: SocketAddr = listener.local_addr().unwrap();
            drop(listener);
            let mut command = Command::new(&program);
            command.args(["-H", "127.0.0.1", "-p", &address.port().to_string()]);
            let log = folder.join("moto.log");
            let mut process = Process::start("moto_server", &mut command, &log).unwrap();
            let connect = || TcpStream::connect(address).ok();
            match process.wait_until(READY_TIMEOUT, connect).await {
                Ok(_) => {
                    return Moto {
                        _process: process,
                        url: format!("http://{address}"),
                    };
                }
                Err(error) => last = format!("{error:#}"),
            }
        }
        panic!("{last}");
    }

    /// Where it listens: `http://127.0.0.1:…`.
    pub fn url(&self) -> &str {
        &self.url
    }
}

fn program() -> PathBuf {
    let program = match std::env::var_os("MOTO_SERVER") {
        Some(path) => PathBuf::from(path),
        None => repository()
            .unwrap()
            .join(".tools/moto-venv/bin/moto_server"),
    };
    assert!(
        program.is_file(),
        "{} is not there: run `make tools`",
        program.display()
    );
    program
}
