//! Where a model computes, and in which number type.

use std::str::FromStr;

use candle_core::{DType, Device};

use crate::error::Error;

/// The device a model computes on; `cpu`, `cuda` or `cuda:1` in text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeviceKind {
    /// The processor.
    #[default]
    Cpu,
    /// An NVIDIA GPU by its index; needs the feature `cuda`.
    Cuda(usize),
}

impl DeviceKind {
    /// Opens the device.
    ///
    /// # Errors
    /// [`Error::Device`] when there is no such device or the program was
    /// built without the feature `cuda`.
    pub fn open(self) -> Result<Device, Error> {
        match self {
            Self::Cpu => Ok(Device::Cpu),
            Self::Cuda(index) if cfg!(feature = "cuda") => {
                Device::new_cuda(index).map_err(|error| Error::Device {
                    device: self.to_string(),
                    reason: error.to_string(),
                })
            }
            Self::Cuda(_) => Err(Error::Device {
                device: self.to_string(),
                reason: "this program was built without the feature `cuda`".to_owned(),
            }),
        }
    }
}

impl std::fmt::Display for DeviceKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(index) => write!(f, "cuda:{index}"),
        }
    }
}

impl FromStr for DeviceKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "cpu" => Ok(Self::Cpu),
            None if text == "cuda" => Ok(Self::Cuda(0)),
            Some(("cuda", index)) => index
                .parse()
                .map(Self::Cuda)
                .map_err(|_| format!("no GPU index: `{index}`")),
            _ => Err(format!("no device `{text}`: cpu, cuda or cuda:INDEX")),
        }
    }
}

/// The number type a model computes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberType {
    /// 32 bit.
    F32,
    /// 16 bit, narrow range.
    F16,
    /// 16 bit, range of f32.
    Bf16,
}

impl NumberType {
    /// The type where none is asked for: f32 on the CPU, so that answers do
    /// not change with the machine, bf16 on a GPU.
    pub fn default_for(device: DeviceKind) -> Self {
        match device {
            DeviceKind::Cpu => Self::F32,
            DeviceKind::Cuda(_) => Self::Bf16,
        }
    }

    pub(crate) fn dtype(self) -> DType {
        match self {
            Self::F32 => DType::F32,
            Self::F16 => DType::F16,
            Self::Bf16 => DType::BF16,
        }
    }
}

impl std::fmt::Display for NumberType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.dtype().as_str())
    }
}

impl FromStr for NumberType {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "f32" => Ok(Self::F32),
            "f16" => Ok(Self::F16),
            "bf16" => Ok(Self::Bf16),
            _ => Err(format!("no number type `{text}`: f32, f16 or bf16")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_and_number_types_are_spelt_as_they_are_read() {
        for text in ["cpu", "cuda:0", "cuda:3"] {
            assert_eq!(text.parse::<DeviceKind>().unwrap().to_string(), text);
        }
        assert_eq!("cuda".parse(), Ok(DeviceKind::Cuda(0)));
        assert!("cuda:x".parse::<DeviceKind>().is_err() && "tpu".parse::<DeviceKind>().is_err());
        for text in ["f32", "f16", "bf16"] {
            assert_eq!(text.parse::<NumberType>().unwrap().to_string(), text);
        }
    }

    #[cfg(not(feature = "cuda"))]
    #[test]
    fn a_gpu_without_the_feature_is_an_error_that_says_so() {
        let error = DeviceKind::Cuda(0).open().unwrap_err().to_string();
        assert!(
            error.contains("cuda:0") && error.contains("feature"),
            "{error}"
        );
    }
}
