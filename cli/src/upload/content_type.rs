//! What kind of content a file has, by its name.

/// The media type that an object gets; `application/octet-stream` where the name tells none.
#[must_use]
pub fn of_name(name: &str) -> &'static str {
    let ending = name
        .rsplit_once('.')
        .map(|(_, ending)| ending.to_lowercase());
    match ending.as_deref() {
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("png") => "image/png",
        Some("webp") => "image/webp",
        Some("gif") => "image/gif",
        Some("json") => "application/json",
        Some("jsonl") => "application/jsonl",
        Some("csv") => "text/csv",
        Some("txt") => "text/plain",
        Some("md") => "text/markdown",
        Some("html") => "text/html",
        Some("gz" | "tgz") => "application/gzip",
        Some("zip") => "application/zip",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::of_name;

    #[test]
    fn the_ending_tells_whatever_its_case() {
        assert_eq!(of_name("images/1.JPG"), "image/jpeg");
        assert_eq!(of_name("a.b/styles.csv"), "text/csv");
        assert_eq!(of_name("a.csv/README"), "application/octet-stream");
        assert_eq!(of_name("model.safetensors"), "application/octet-stream");
    }
}
