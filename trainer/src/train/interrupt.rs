//! Being told to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// Whether the job was told to stop: SIGTERM, which SageMaker sends two minutes
/// before it takes the machine away, an interrupt from the keyboard, or the end of
/// stdin where that is watched.
#[derive(Debug, Clone, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Listens to the signals from now on. A second one ends the process at
    /// once.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn listen() -> anyhow::Result<Self> {
        let interrupt = Self::default();
        for signal in [SIGTERM, SIGINT] {
            // In this order: the first signal only sets the flag.
            flag::register_conditional_shutdown(signal, 1, Arc::clone(&interrupt.0))
                .and_then(|_| flag::register(signal, Arc::clone(&interrupt.0)))
                .context("cannot listen to signals")?;
        }
        Ok(interrupt)
    }

    /// Is told to stop as well when stdin ends, which it does whatever the program
    /// that holds its other side comes to.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn watch_input(&self) -> anyhow::Result<()> {
        let flag = Arc::clone(&self.0);
        std::thread::Builder::new()
            .name("stdin".to_owned())
            .spawn(move || {
                // What is written there is for nobody, and an error is an end too.
                let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
                flag.store(true, Ordering::Relaxed);
            })
            .context("cannot watch stdin")?;
        Ok(())
    }

    /// Whether it was.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
