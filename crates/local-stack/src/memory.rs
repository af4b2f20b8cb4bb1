//! How much memory a process has, as Linux counts it.

use std::io;

/// What `/proc/PID/status` says, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// The most that was resident at once (`VmHWM`), since the process began
    /// or since [`forget_peak`].
    pub peak: u64,
    /// What is resident now (`VmRSS`).
    pub resident: u64,
    /// The part of it that is the process's own (`RssAnon`); the rest are
    /// pages of files, which the system can drop and read again.
    pub anonymous: u64,
}

impl Memory {
    /// `None` where there is no such process, or the system does not tell.
    pub(crate) fn of(process_id: u32) -> Option<Memory> {
        Memory::parse(&std::fs::read_to_string(format!("/proc/{process_id}/status")).ok()?)
    }

    fn parse(status: &str) -> Option<Memory> {
        let bytes = |name: &str| {
            let value = status.lines().find_map(|line| line.strip_prefix(name))?;
            let kib: u64 = value.strip_suffix("kB")?.trim().parse().ok()?;
            Some(kib * 1024)
        };
        Some(Memory {
            peak: bytes("VmHWM:")?,
            resident: bytes("VmRSS:")?,
            anonymous: bytes("RssAnon:")?,
        })
    }
}

/// Lets the peak begin anew at what is resident now; see `clear_refs` in
/// proc(5).
pub(crate) fn forget_peak(process_id: u32) -> io::Result<()> {
    std::fs::write(format!("/proc/{process_id}/clear_refs"), "5")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_the_status_are_read() {
        let status = "Name:\tx\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\nRssAnon:\t     512 kB\n";
        let memory = Memory::parse(status).unwrap();
        assert_eq!(
            (memory.peak, memory.resident, memory.anonymous),
            (2 << 20, 1 << 20, 1 << 19)
        );
        assert_eq!(Memory::parse("Name:\tx\n"), None);
    }
}
