//! The fonts that pictures are drawn with: one of the relay's own, and those that its operator names.
//!
//! One invariant: nothing is drawn for which no font has a glyph. Names that people chose are in all scripts, and the
//! relay's own font, which must be small, has Latin, Greek and Cyrillic letters; a box in place of each letter tells less
//! than what stands in its place here.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use raidcast_shared::text::{CUT, joins, places, shortened};
use resvg::usvg::fontdb::{Database, ID, Source};
use skrifa::instance::{LocationRef, Size};
use skrifa::{FontRef, MetadataProvider as _};

use crate::error::plain;

/// Built into the relay: see `relay/fonts/README.md`.
const OWN: &[u8] = include_bytes!("../../fonts/Roboto-Medium.ttf");
/// What it is called in the file.
const OWN_FAMILY: &str = "Roboto";
/// Bytes of a font of the operator's: one of all Chinese, Japanese and Korean signs has 20 million.
const FONT_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// See the module's page.
pub struct Fonts {
    db: Arc<Database>,
    /// The relay's own first.
    faces: Vec<ID>,
}

impl Fonts {
    /// The relay's own font, and those in these files. What cannot be read is left out, and the log says so.
    pub fn with(files: &[PathBuf]) -> Self {
        let mut db = Database::new();
        db.load_font_source(Source::Binary(Arc::new(OWN)));
        db.set_serif_family(OWN_FAMILY);
        for path in files {
            if let Err(why) = font_in(path).map(|bytes| db.load_font_source(Source::Binary(Arc::new(bytes)))) {
                tracing::warn!("pictures are drawn without the font {}: {why}", path.display());
            }
        }
        let faces = db.faces().map(|face| face.id).collect();
        Self { db: Arc::new(db), faces }
    }

    /// For what draws.
    pub(super) fn database(&self) -> Arc<Database> {
        Arc::clone(&self.db)
    }

    /// The family that text is set in; where it has no glyph, one of the others is taken.
    pub(super) fn family() -> &'static str {
        OWN_FAMILY
    }

    /// How wide a sign is, of the letters' size; `None` where no font has it.
    fn width_of(&self, c: char) -> Option<f32> {
        self.faces.iter().find_map(|face| self.db.with_face_data(*face, |bytes, index| advance(bytes, index, c))?)
    }

    /// How wide text is in letters of this size.
    pub(super) fn width(&self, text: &str, size: f32) -> f32 {
        text.chars().map(|c| self.width_of(c).unwrap_or_default()).sum::<f32>() * size
    }

    /// Text as it can be drawn: what no font has is [`CUT`], once for each run of it. `None` where nothing else is left.
    pub(super) fn drawn(&self, text: &str) -> Option<String> {
        let (mut out, mut is_some, mut leaves_out) = (String::with_capacity(text.len()), false, false);
        for c in text.chars() {
            let has = c == ' ' || self.width_of(c).is_some();
            if joins(c) && (leaves_out || !has) {
                // What belongs to a letter that is left out goes with it.
                continue;
            }
            if has {
                is_some |= c != ' ';
                out.push(c);
            } else if !leaves_out {
                out.push(CUT);
            }
            leaves_out = !has;
        }
        is_some.then_some(out)
    }

    /// The same in letters of this size, cut where it is wider than this, px.
    pub(super) fn fitted(&self, text: &str, size: f32, width_max: f32) -> String {
        if self.width(text, size) <= width_max {
            return text.to_owned();
        }
        let room = width_max - self.width(&CUT.to_string(), size);
        let (mut last, mut width, mut from) = (0, 0.0, 0);
        for at in places(text) {
            width += self.width(&text[from..at], size);
            if width > room {
                break;
            }
            (last, from) = (at, at);
        }
        shortened(text, last)
    }
}

/// The bytes of a font of the operator's.
pub(crate) fn font_in(path: &Path) -> Result<Vec<u8>, String> {
    let length = std::fs::metadata(path).map_err(|error| plain(&error))?.len();
    if length > FONT_BYTES_MAX {
        return Err(format!("it has {length} bytes, and {FONT_BYTES_MAX} are read at the most"));
    }
    let bytes = std::fs::read(path).map_err(|error| plain(&error))?;
    if FontRef::from_index(&bytes, 0).is_err() {
        return Err("it is no font: name a file of OpenType or TrueType (.ttf, .otf, .ttc)".into());
    }
    Ok(bytes)
}

fn advance(bytes: &[u8], index: u32, c: char) -> Option<f32> {
    let font = FontRef::from_index(bytes, index).ok()?;
    let glyph = font.charmap().map(c)?;
    font.glyph_metrics(Size::new(1.0), LocationRef::default()).advance_width(glyph)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_font_has_is_left_out_and_told_so() {
        let fonts = Fonts::with(&[]);
        assert_eq!(fonts.drawn("Aeris").as_deref(), Some("Aeris"));
        assert_eq!(fonts.drawn("Zoë · Ёлка · Ωmega · Nguyễn").as_deref(), Some("Zoë · Ёлка · Ωmega · Nguyễn"));
        assert_eq!(fonts.drawn("Ana 🐉🐉 漢字").as_deref(), Some("Ana … …"));
        assert_eq!(fonts.drawn("Ana🐉").as_deref(), Some("Ana…"));
        assert_eq!(fonts.drawn("はるか"), None);
        assert_eq!(fonts.drawn("👩\u{200d}🚒"), None);
    }

    #[test]
    fn text_is_cut_to_its_place() {
        let fonts = Fonts::with(&[]);
        let (short, long) = ("Aeris", "W".repeat(100));
        assert_eq!(fonts.fitted(short, 30.0, 400.0), short);
        let fitted = fonts.fitted(&long, 30.0, 400.0);
        assert!(fitted.ends_with('…') && fitted.len() > 10 && fonts.width(&fitted, 30.0) <= 400.0, "{fitted}");
        assert!(fonts.width(&long, 60.0) > fonts.width(&long, 30.0) * 1.9);
    }

    #[test]
    fn a_file_that_is_no_font_is_told_and_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let (own, other, none) = (folder.path().join("a.ttf"), folder.path().join("b.ttf"), folder.path().join("c"));
        std::fs::write(&own, OWN).unwrap();
        std::fs::write(&other, "no font").unwrap();
        assert_eq!(font_in(&own).map(|bytes| bytes.len()), Ok(OWN.len()));
        assert!(font_in(&other).unwrap_err().contains("no font") && font_in(&none).is_err());
        assert_eq!(Fonts::with(&[own, other, none]).faces.len(), 2, "the relay's own and the one that is a font");
    }
}
