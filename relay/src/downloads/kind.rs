//! What a download is, by its name.

/// The content type. What is not known is bytes to be kept: a page that lies there is no page of the relay's.
pub(super) fn of(name: &str) -> &'static str {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending).to_ascii_lowercase();
    match ending.as_str() {
        "json" => "application/json",
        "deb" => "application/vnd.debian.binary-package",
        "exe" | "msi" => "application/vnd.microsoft.portable-executable",
        "zip" => "application/zip",
        "gz" | "tgz" => "application/gzip",
        "xz" => "application/x-xz",
        "zst" => "application/zstd",
        "txt" | "md" | "sig" | "minisig" | "asc" | "sha256" => "text/plain; charset=utf-8",
        _ if name.ends_with("SUMS") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn what_is_known_has_its_type_and_no_page_is_one() {
        assert_eq!(of("raidcast-desktop.json"), "application/json");
        assert_eq!(of("Raidcast_0.2.0_amd64.DEB"), "application/vnd.debian.binary-package");
        assert_eq!(of("SHA256SUMS"), "text/plain; charset=utf-8");
        for name in ["page.html", "a.svg", "a.js", "a.xml", "none", "Raidcast.AppImage"] {
            assert_eq!(of(name), "application/octet-stream", "{name}");
        }
    }
}
