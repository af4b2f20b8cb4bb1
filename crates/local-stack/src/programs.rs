//! Where the programs and files are that a local stack consists of.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// The checkpoint that ships with the project, below the repository's root.
pub const SHIPPED_MODEL: &str = "models/lookbook-mini";

/// Paths of everything that is started, checked to exist.
#[derive(Debug, Clone)]
pub struct Programs {
    /// The repository's root.
    pub repository: PathBuf,
    /// The model server.
    pub model_server: PathBuf,
    /// The local cloud.
    pub local_cloud: PathBuf,
    /// The function.
    pub function: PathBuf,
    /// cargo-lambda, whose emulator speaks the Runtime API.
    pub cargo_lambda: PathBuf,
    /// The small language model's weights, where they were fetched.
    pub writer_model: Option<PathBuf>,
}

impl Programs {
    /// Finds the programs beside the running one, where one `cargo build`
    /// puts them all, and the tools in the repository's `.tools`.
    ///
    /// `MODEL_SERVER`, `FUNCTION_BINARY` and `CARGO_LAMBDA` name others, such
    /// as the function as it is released.
    ///
    /// # Errors
    /// What is missing, with the command that makes it.
    pub fn find() -> Result<Self> {
        let repository = repository()?;
        let function = match std::env::var_os("FUNCTION_BINARY") {
            Some(path) => PathBuf::from(path),
            None => built_program("describe-product")?,
        };
        let cargo_lambda = match std::env::var_os("CARGO_LAMBDA") {
            Some(path) => PathBuf::from(path),
            None => repository.join(".tools/venv/bin/cargo-lambda"),
        };
        if !cargo_lambda.is_file() {
            bail!("{} is not there: run `make tools`", cargo_lambda.display());
        }
        let writer_model = repository.join(".tools/models/SmolLM2-135M-Instruct.Q4_1.gguf");
        Ok(Self {
            model_server: model_server_program()?,
            local_cloud: built_program("local-cloud")?,
            function,
            cargo_lambda,
            writer_model: writer_model.is_file().then_some(writer_model),
            repository,
        })
    }

    /// The checkpoint that ships with the project.
    pub fn shipped_model(&self) -> PathBuf {
        self.repository.join(SHIPPED_MODEL)
    }

    /// A sample event of `events/`.
    ///
    /// # Errors
    /// When there is no such file, or it is not JSON.
    pub fn event(&self, name: &str) -> Result<serde_json::Value> {
        let path = self.repository.join("events").join(name);
        let text =
            std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("{} is no JSON", path.display()))
    }
}

/// The root of the repository that this was built from.
///
/// # Errors
/// None on any machine that builds it.
pub fn repository() -> Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
    Ok(root.context("the repository has no root")?.to_owned())
}

/// The model server's program: `MODEL_SERVER`, or the one beside the running
/// program.
///
/// # Errors
/// When it is not built, with the command that builds it.
pub fn model_server_program() -> Result<PathBuf> {
    match std::env::var_os("MODEL_SERVER") {
        Some(path) => Ok(PathBuf::from(path)),
        None => built_program("model-server"),
    }
}

/// The operator's command line: `LOOKBOOK`, or the one beside the running program.
///
/// # Errors
/// When it is not built, with the command that builds it.
pub fn lookbook_program() -> Result<PathBuf> {
    match std::env::var_os("LOOKBOOK") {
        Some(path) => Ok(PathBuf::from(path)),
        None => built_program("lookbook"),
    }
}

/// A program of the workspace, beside the running one, where one `cargo build` puts them
/// all.
///
/// # Errors
/// When it is not built, with the command that builds it.
pub fn built_program(name: &str) -> Result<PathBuf> {
    let path = built_folder()?.join(name);
    if path.is_file() {
        return Ok(path);
    }
    bail!("{} is not built: run `make build`", path.display())
}

/// The folder of the running program; a test's is one above its own.
fn built_folder() -> Result<PathBuf> {
    let running = std::env::current_exe().context("the running program has no path")?;
    let folder = running
        .parent()
        .context("the running program has no folder")?;
    if folder.ends_with("deps") {
        return Ok(folder.parent().unwrap_or(folder).to_owned());
    }
    Ok(folder.to_owned())
}
