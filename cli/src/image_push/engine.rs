//! docker, or a program with its commands such as podman.

use std::io::ErrorKind;
use std::path::Path;
use std::process::{Output, Stdio};

use tempfile::NamedTempFile;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::Command;

use crate::failure::{Exit, Failure, Outcome};
use crate::terminal::Terminal;

/// The program.
#[derive(Clone, Debug)]
pub struct Engine {
    program: String,
}

/// An image that the engine has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalImage {
    /// The engine's own name of it.
    pub id: String,
    /// For which machines it is: "linux/amd64".
    pub platform: String,
}

impl Engine {
    /// By a name that is found on the path, or by a path.
    #[must_use]
    pub fn new(program: &str) -> Engine {
        Engine {
            program: program.to_owned(),
        }
    }

    /// Whether the program is there and can work.
    ///
    /// # Errors
    /// When it isn't, or its daemon isn't.
    pub async fn check(&self) -> Outcome {
        let output = self.output(&["version"]).await?;
        if output.status.success() {
            return Ok(());
        }
        let said = last_line(&output.stderr);
        let failure = Failure::new(
            Exit::Unavailable,
            format!("{} can't work: {said}", self.program),
        );
        let next = if said.contains("permission denied") {
            "let your user talk to its daemon (group docker), or run the command as one who may"
        } else {
            "start its daemon (Docker Desktop, `systemctl start docker`), or take podman with --engine podman"
        };
        Err(failure.next(next))
    }

    /// What the engine knows of an image.
    ///
    /// # Errors
    /// When it has none of that name.
    pub async fn image(&self, image: &str) -> Outcome<LocalImage> {
        let format = "{{.Id}} {{.Os}}/{{.Architecture}}";
        let output = self
            .output(&["image", "inspect", "--format", format, image])
            .await?;
        if !output.status.success() {
            return Err(Failure::new(
                Exit::NotFound,
                format!(
                    "{} has no image {image}: {}",
                    self.program,
                    last_line(&output.stderr)
                ),
            )
            .next(format!(
                "build it, or look at its name: `{} image ls`",
                self.program
            )));
        }
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut words = said.split_whitespace().map(str::to_owned);
        match (words.next(), words.next()) {
            (Some(id), Some(platform)) => Ok(LocalImage { id, platform }),
            _ => Err(Failure::new(
                Exit::Failed,
                format!("{} image inspect said {said:?}", self.program),
            )),
        }
    }

    /// Signs in to a registry; the password goes over stdin, where no list of processes
    /// shows it.
    ///
    /// # Errors
    /// When the registry does not take it.
    pub async fn login(&self, registry: &str, user: &str, password: &str) -> Outcome {
        let mut child = self
            .command(&["login", "--username", user, "--password-stdin", registry])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| self.not_started(&error))?;
        if let Some(mut stdin) = child.stdin.take() {
            // Who reads no password says why on stderr.
            let _ = stdin.write_all(password.as_bytes()).await;
        }
        let output = child
            .wait_with_output()
            .await
            .map_err(|error| self.not_started(&error))?;
        self.succeeded("login", &output)
    }

    /// Gives an image another name.
    ///
    /// # Errors
    /// When the engine can't.
    pub async fn tag(&self, image: &str, name: &str) -> Outcome {
        let output = self.output(&["tag", image, name]).await?;
        self.succeeded("tag", &output)
    }

    /// Pushes an image, and tells what the engine says meanwhile; gives the digest that it
    /// pushed, if it says one.
    ///
    /// # Errors
    /// When the registry does not take it.
    pub async fn push(&self, name: &str, terminal: &Terminal) -> Outcome<Option<String>> {
        // podman says the digest in no line, and packs layers anew, so that only it knows.
        let digest_file = match self.is_podman() {
            true => Some(NamedTempFile::new().map_err(|error| {
                Failure::new(Exit::Failed, format!("no temporary file: {error}"))
            })?),
            false => None,
        };
        let mut command = self.command(&["push"]);
        if let Some(file) = &digest_file {
            command.arg("--digestfile").arg(file.path());
        }
        let mut child = command
            .arg(name)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| self.not_started(&error))?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let told = async {
            let mut digest = None;
            if let Some(stdout) = stdout {
                let mut lines = BufReader::new(stdout).lines();
                while let Ok(Some(line)) = lines.next_line().await {
                    digest = digest_in(&line).or(digest);
                    terminal.say(&line);
                }
            }
            digest
        };
        let wrong = async {
            let mut text = Vec::new();
            if let Some(mut stderr) = stderr {
                let _ = stderr.read_to_end(&mut text).await;
            }
            text
        };
        let (digest, stderr, status) = tokio::join!(told, wrong, child.wait());
        let status = status.map_err(|error| self.not_started(&error))?;
        let output = Output {
            status,
            stdout: Vec::new(),
            stderr,
        };
        self.succeeded("push", &output)?;
        match (digest, digest_file) {
            (Some(digest), _) => Ok(Some(digest)),
            (None, Some(file)) => {
                let digest = std::fs::read_to_string(file.path()).unwrap_or_default();
                Ok(Some(digest.trim().to_owned()).filter(|digest| !digest.is_empty()))
            }
            (None, None) => self.repository_digest(name).await,
        }
    }

    fn is_podman(&self) -> bool {
        Path::new(&self.program)
            .file_name()
            .is_some_and(|name| name.to_string_lossy().contains("podman"))
    }

    /// The digest under which an image is in the repository of its name, as the engine
    /// remembers it.
    async fn repository_digest(&self, name: &str) -> Outcome<Option<String>> {
        let format = "{{range .RepoDigests}}{{println .}}{{end}}";
        let output = self
            .output(&["image", "inspect", "--format", format, name])
            .await?;
        let repository = name.rsplit_once(':').map_or(name, |(before, _)| before);
        let said = String::from_utf8_lossy(&output.stdout);
        let digest = said
            .lines()
            .find_map(|line| line.trim().strip_prefix(repository)?.strip_prefix('@'));
        Ok(digest.map(str::to_owned))
    }

    async fn output(&self, arguments: &[&str]) -> Outcome<Output> {
        self.command(arguments)
            .stdin(Stdio::null())
            .output()
            .await
            .map_err(|error| self.not_started(&error))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).kill_on_drop(true);
        command
    }

    fn not_started(&self, error: &std::io::Error) -> Failure {
        let what = format!("cannot run {}: {error}", self.program);
        match error.kind() {
            ErrorKind::NotFound => Failure::new(Exit::NotFound, what).next(
                "install Docker (docs.docker.com/engine/install), or name another program with --engine, such as podman",
            ),
            _ => Failure::new(Exit::Failed, what),
        }
    }

    fn succeeded(&self, doing: &str, output: &Output) -> Outcome {
        if output.status.success() {
            return Ok(());
        }
        Err(Failure::new(
            Exit::Failed,
            format!(
                "{} {doing} failed ({}): {}",
                self.program,
                output.status,
                last_line(&output.stderr)
            ),
        ))
    }
}

/// "latest: digest: sha256:… size: 1234" of docker.
fn digest_in(line: &str) -> Option<String> {
    let (_, after) = line.split_once("digest: ")?;
    let digest = after.split_whitespace().next()?;
    digest.starts_with("sha256:").then(|| digest.to_owned())
}

/// Where programs say what went wrong.
fn last_line(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let last = text.lines().rev().find(|line| !line.trim().is_empty());
    last.unwrap_or("it says nothing").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_found_in_what_docker_says() {
        let line = "1.0: digest: sha256:0123abcd size: 1786";
        assert_eq!(digest_in(line).as_deref(), Some("sha256:0123abcd"));
        assert_eq!(digest_in("5f70bf18a086: Pushed"), None);
        assert_eq!(last_line(b"warning\nno such image\n\n"), "no such image");
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_named_with_what_to_do() {
        let engine = Engine::new("/nothing/like/docker");
        let failure = engine.check().await.unwrap_err();
        assert_eq!(failure.exit, Exit::NotFound);
        assert!(failure.what.contains("/nothing/like/docker"), "{failure}");
        assert!(failure.next_step.unwrap().contains("--engine"));
    }
}
