//! What a page's head says of what it shows, for whoever does not run it: chats, search engines.

use std::fmt::Write as _;

use super::svg::{HEIGHT, WIDTH};
use super::text::escaped;

/// See the module's page. Texts are as they were told: they are escaped when they are written.
#[derive(Clone, Debug)]
pub struct Head {
    pub(super) title: String,
    pub(super) description: String,
    /// Address of the page.
    pub(super) page: String,
    /// Address of its picture.
    pub(super) picture: String,
    /// Whether search engines may know the page.
    pub(super) is_found: bool,
}

impl Head {
    /// Whether search engines may know the page.
    pub fn is_found(&self) -> bool {
        self.is_found
    }

    /// A page with it: in place of the title and the description that the page has for all alike.
    pub fn put_into(&self, page: &str) -> String {
        let title = escaped(&self.title);
        let page = replaced(page, "<title>", "</title>", &format!("<title>{title} · Raidcast</title>"));
        let description = escaped(&self.description);
        let own = format!("<meta name=\"description\" content=\"{description}\" />");
        let page = replaced(&page, "<meta name=\"description\"", "/>", &own);
        page.replacen("</head>", &format!("{}</head>", self.tags()), 1)
    }

    fn tags(&self) -> String {
        let Self { title, description, page, picture, is_found } = self;
        let (title, description, page, picture) = (&**title, &**description, &**page, &**picture);
        let (width, height) = (WIDTH.to_string(), HEIGHT.to_string());
        let of_graph = [
            ("og:type", "website"),
            ("og:site_name", "Raidcast"),
            ("og:title", title),
            ("og:description", description),
            ("og:url", page),
            ("og:image", picture),
            ("og:image:type", "image/png"),
            ("og:image:width", &*width),
            ("og:image:height", &*height),
            ("og:image:alt", title),
        ];
        let named = [
            ("twitter:card", "summary_large_image"),
            ("twitter:title", title),
            ("twitter:description", description),
            ("twitter:image", picture),
        ];
        let mut out = String::new();
        // Writing to a text cannot fail.
        for (name, content) in of_graph {
            let _ = write!(out, "<meta property=\"{name}\" content=\"{}\" />", escaped(content));
        }
        for (name, content) in named {
            let _ = write!(out, "<meta name=\"{name}\" content=\"{}\" />", escaped(content));
        }
        if !is_found {
            out.push_str("<meta name=\"robots\" content=\"noindex\" />");
        }
        out
    }
}

/// `page` with something in place of what stands from a begin to an end; as it is where that does not stand in it.
fn replaced(page: &str, begin: &str, end: &str, by: &str) -> String {
    let found = page.split_once(begin).and_then(|(before, rest)| Some((before, rest.split_once(end)?.1)));
    found.map_or_else(|| page.to_owned(), |(before, after)| format!("{before}{by}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "<!doctype html><html><head><meta name=\"description\" content=\"A raid\" /><title>Raid</title>\
         <script src=\"a.js\"></script></head><body></body></html>";

    #[test]
    fn a_page_gets_a_head_of_its_own_in_which_nothing_is_markup() {
        let hostile = "\"/><script>alert('1')</script>&";
        let head = Head {
            title: hostile.into(),
            description: hostile.into(),
            page: "https://raids.example/raids/abc".into(),
            picture: "https://raids.example/raids/abc/picture.png?v=1".into(),
            is_found: false,
        };
        let page = head.put_into(PAGE);
        assert_eq!((page.matches("<script").count(), page.matches("<title>").count()), (1, 1), "{page}");
        assert_eq!(page.matches("name=\"description\"").count(), 1);
        let told = "&quot;/&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;";
        assert!(page.contains(&format!("<title>{told} · Raidcast</title>")), "{page}");
        for (kind, name) in [("property", "og:title"), ("property", "og:description"), ("name", "twitter:title")] {
            assert!(page.contains(&format!("<meta {kind}=\"{name}\" content=\"{told}\" />")), "{name}: {page}");
        }
        assert!(
            page.contains("<meta property=\"og:image\" content=\"https://raids.example/raids/abc/picture.png?v=1\" />")
        );
        assert!(page.contains("name=\"robots\" content=\"noindex\""));
        assert!(!Head { is_found: true, ..head }.put_into(PAGE).contains("noindex"));
    }
}
