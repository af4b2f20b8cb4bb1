//! A picture to pixel values: `BlipImageProcessor` of `transformers`.

use candle_core::{Device, Tensor};
use fast_image_resize as fir;
use image::RgbImage;
use serde::Deserialize;

use crate::error::Error;
use crate::unique_json;

/// Resize to a fixed size, scale to 0..1, normalise by channel; the settings
/// are those of `preprocessor_config.json`.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageProcessor {
    width: u32,
    height: u32,
    resize: bool,
    algorithm: fir::ResizeAlg,
    /// A level `l` of channel `c` becomes `l · scale[c] + shift[c]`.
    scale: [f32; 3],
    shift: [f32; 3],
}

#[derive(Deserialize)]
#[serde(default)]
struct File {
    do_resize: bool,
    do_rescale: bool,
    do_normalize: bool,
    image_mean: Option<[f64; 3]>,
    image_std: Option<[f64; 3]>,
    resample: u32,
    rescale_factor: f64,
    size: Size,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Size {
    Square(u32),
    Sides { height: u32, width: u32 },
    Other(serde_json::Value),
}

const PIXEL: fir::PixelType = fir::PixelType::U8x3;

/// `OPENAI_CLIP_MEAN` and `_STD`, the defaults of `BlipImageProcessor`.
const CLIP_MEAN: [f64; 3] = [0.48145466, 0.4578275, 0.40821073];
const CLIP_STD: [f64; 3] = [0.26862954, 0.26130258, 0.27577711];

impl Default for File {
    fn default() -> Self {
        Self {
            do_resize: true,
            do_rescale: true,
            do_normalize: true,
            image_mean: None,
            image_std: None,
            resample: 3,
            rescale_factor: 1.0 / 255.0,
            size: Size::Square(384),
        }
    }
}

impl ImageProcessor {
    /// Parses a `preprocessor_config.json`; what it leaves out has the
    /// default of `BlipImageProcessor`.
    ///
    /// # Errors
    /// [`Error::ImageProcessor`] for settings that this crate does not know.
    pub fn from_json(text: &str) -> Result<Self, Error> {
        let fail = |message: String| Error::ImageProcessor(message);
        let file: File = unique_json::read(text).map_err(|error| fail(error.to_string()))?;
        let (width, height) = match file.size {
            Size::Square(side) => (side, side),
            Size::Sides { height, width } => (width, height),
            Size::Other(value) => {
                return Err(fail(format!("size is {value}; give a height and a width")));
            }
        };
        if width == 0 || height == 0 || width > 8192 || height > 8192 {
            return Err(fail(format!(
                "a size of {width}×{height} pixels is out of range"
            )));
        }
        // Pillow's numbers for its filters.
        let algorithm = match file.resample {
            0 => fir::ResizeAlg::Nearest,
            1 => fir::ResizeAlg::Convolution(fir::FilterType::Lanczos3),
            2 => fir::ResizeAlg::Convolution(fir::FilterType::Bilinear),
            3 => fir::ResizeAlg::Convolution(fir::FilterType::CatmullRom),
            4 => fir::ResizeAlg::Convolution(fir::FilterType::Box),
            5 => fir::ResizeAlg::Convolution(fir::FilterType::Hamming),
            other => return Err(fail(format!("resample {other} is no filter of Pillow"))),
        };
        let factor = if file.do_rescale {
            file.rescale_factor
        } else {
            1.0
        };
        let (mean, std) = if file.do_normalize {
            (
                file.image_mean.unwrap_or(CLIP_MEAN),
                file.image_std.unwrap_or(CLIP_STD),
            )
        } else {
            ([0.0; 3], [1.0; 3])
        };
        if std.contains(&0.0) {
            return Err(fail("image_std has a 0".to_owned()));
        }
        Ok(Self {
            width,
            height,
            resize: file.do_resize,
            algorithm,
            scale: std::array::from_fn(|channel| (factor / std[channel]) as f32),
            shift: std::array::from_fn(|channel| (-mean[channel] / std[channel]) as f32),
        })
    }

    /// Width and height of what [`Self::preprocess`] makes, in pixels.
    pub fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    /// A picture to pixel values `(3, height, width)` in f32 on the CPU.
    ///
    /// The resize ignores the aspect ratio and is Pillow's, with its
    /// antialiasing and its rounding to whole levels.
    ///
    /// # Errors
    /// When the picture has another size and the settings forbid a resize.
    pub fn preprocess(&self, photo: &RgbImage) -> Result<Tensor, Error> {
        let resized;
        let levels = if photo.dimensions() == (self.width, self.height) {
            photo.as_raw()
        } else if self.resize {
            resized = self.resized(photo)?;
            &resized
        } else {
            let (width, height) = photo.dimensions();
            return Err(Error::ImageProcessor(format!(
                "do_resize is false and the picture is {width}×{height}"
            )));
        };
        let plane = (self.width * self.height) as usize;
        let mut values = vec![0f32; 3 * plane];
        for (index, pixel) in levels.chunks_exact(3).enumerate() {
            for channel in 0..3 {
                values[channel * plane + index] =
                    f32::from(pixel[channel]) * self.scale[channel] + self.shift[channel];
            }
        }
        let shape = (3, self.height as usize, self.width as usize);
        Ok(Tensor::from_vec(values, shape, &Device::Cpu)?)
    }

    /// A picture resized as [`Self::preprocess`] does it first, which then finds
    /// nothing to resize.
    ///
    /// # Errors
    /// As [`Self::preprocess`].
    pub fn resize(&self, photo: &RgbImage) -> Result<RgbImage, Error> {
        if photo.dimensions() == self.size() || !self.resize {
            return Ok(photo.clone());
        }
        let levels = self.resized(photo)?;
        RgbImage::from_raw(self.width, self.height, levels)
            .ok_or_else(|| Error::ImageProcessor("a resize lost pixels".to_owned()))
    }

    /// Pillow goes over the rows first, then over the columns, and rounds to
    /// whole levels in between; one call of the resizer would do it the other
    /// way round, which differs by up to three levels at sharp edges.
    fn resized(&self, photo: &RgbImage) -> Result<Vec<u8>, Error> {
        let (width, height) = photo.dimensions();
        let source = fir::images::ImageRef::new(width, height, photo.as_raw(), PIXEL)
            .map_err(|error| Error::ImageProcessor(error.to_string()))?;
        let mut narrow = fir::images::Image::new(self.width, height, PIXEL);
        self.convolve(&source, &mut narrow)?;
        let mut target = fir::images::Image::new(self.width, self.height, PIXEL);
        self.convolve(&narrow, &mut target)?;
        Ok(target.into_vec())
    }

    fn convolve(
        &self,
        source: &impl fir::IntoImageView,
        target: &mut fir::images::Image,
    ) -> Result<(), Error> {
        let options = fir::ResizeOptions::new()
            .resize_alg(self.algorithm)
            .use_alpha(false);
        fir::Resizer::new()
            .resize(source, target, &options)
            .map_err(|error| Error::ImageProcessor(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_mean_something_else_are_refused() {
        for (json, needle) in [
            (r#"{"size": {"shortest_edge": 224}}"#, "shortest_edge"),
            (r#"{"size": 0}"#, "0×0"),
            (r#"{"resample": 9}"#, "resample 9"),
            (r#"{"image_std": [0, 1, 1]}"#, "image_std"),
            (
                r#"{"size": {"height": 4, "width": 4, "width": 8}}"#,
                "the key `width` twice",
            ),
        ] {
            let message = ImageProcessor::from_json(json).unwrap_err().to_string();
            assert!(message.contains(needle), "{message}");
        }
    }

    #[test]
    fn levels_are_scaled_and_normalised_by_channel() {
        let json = r#"{"size": 1, "image_mean": [0.5, 0, 0], "image_std": [0.5, 1, 2]}"#;
        let processor = ImageProcessor::from_json(json).unwrap();
        let photo = RgbImage::from_pixel(1, 1, image::Rgb([255, 51, 255]));
        let values = processor.preprocess(&photo).unwrap();
        let values: Vec<f32> = values.flatten_all().unwrap().to_vec1().unwrap();
        for (value, expected) in values.iter().zip([1.0, 0.2, 0.5]) {
            assert!((value - expected).abs() < 1e-6, "{values:?}");
        }
    }
}
