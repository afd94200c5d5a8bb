//! Paints an SVG of the relay's own, and gives it as PNG.
//!
//! It takes tens of ms of one core, and for that time some four MB: it runs off the runtime's threads, a few at a time.

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree};

use super::font::Fonts;
use super::svg::{HEIGHT, WIDTH};

/// A picture's bytes.
///
/// # Errors
/// Why it cannot be painted: a defect of what wrote the SVG.
pub(super) fn png(svg: &str, fonts: &Fonts) -> Result<Vec<u8>, String> {
    let options = Options { fontdb: fonts.database(), font_family: Fonts::family().to_owned(), ..Options::default() };
    let tree = Tree::from_str(svg, &options).map_err(|error| error.to_string())?;
    let mut painted = Pixmap::new(WIDTH, HEIGHT).ok_or("there is no such size")?;
    resvg::render(&tree, Transform::default(), &mut painted.as_mut());
    painted.encode_png().map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use raidcast_shared::text::{cut, one_line};
    use raidcast_shared::uplink::{Outcome, ReportState};
    use resvg::tiny_skia::Pixmap;

    use super::super::card::{FightCard, PlayerLine, RaidCard};
    use super::super::svg;
    use super::super::words::tests::fight;
    use super::*;

    fn painted(svg: &str, fonts: &Fonts) -> Pixmap {
        let png = png(svg, fonts).unwrap_or_else(|why| panic!("{why}: {svg}"));
        let pixmap = Pixmap::decode_png(&png).expect("it is a PNG");
        assert_eq!((pixmap.width(), pixmap.height()), (WIDTH, HEIGHT));
        pixmap
    }

    /// How much of a part of it has another colour than the part's corner.
    fn inked(pixmap: &Pixmap, x: std::ops::Range<u32>, y: std::ops::Range<u32>) -> usize {
        let ground = pixmap.pixel(x.start, y.start);
        let all = y.flat_map(|y| x.clone().map(move |x| (x, y)));
        all.filter(|(x, y)| pixmap.pixel(*x, *y) != ground).count()
    }

    #[test]
    fn a_fight_is_painted_with_its_letters_and_bars() {
        let fonts = Fonts::with(&[]);
        let live = fight(ReportState::Live, Outcome::Unknown, Some(0.5));
        let pixmap = painted(&svg::of_fight(&live, Some("Guild night"), 60, &fonts), &fonts);
        for (what, x, y) in [
            ("the raid's title", 240..500, 50..90),
            ("the boss", 60..400, 110..170),
            ("the figures", 60..500, 190..220),
            ("the first name", 80..200, 275..305),
            ("that it is late", 900..1_140, 590..612),
        ] {
            assert!(inked(&pixmap, x, y) > 100, "{what}");
        }
        let colour = |x, y| pixmap.pixel(x, y).map(|pixel| (pixel.red(), pixel.green(), pixel.blue()));
        assert_ne!(colour(590, 240), colour(610, 240), "half of its health is left");
        // The second has a little more than half of the first's damage.
        assert_ne!(colour(620, 337), colour(680, 337), "bars are as long as shares");
        assert_eq!(inked(&pixmap, 60..1_140, 366..586), 0, "there are two players");
    }

    #[test]
    fn hostile_names_are_painted_as_text() {
        let fonts = Fonts::with(&[]);
        let hostile = [
            "</text><script>alert(1)</script><text>",
            "\"'&<>]]>&amp;&#0;",
            "<!DOCTYPE a [<!ENTITY b \"c\">]>&b;",
            "<image href=\"file:///etc/passwd\"/>",
            "\u{202e}\u{2066}evil\u{200b}\u{0}\u{b}\u{fffe}",
            "e\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}",
            "🐉🐉👩\u{200d}🚒",
            "はるか漢字테스트",
            "   ",
        ];
        let long = "W<".repeat(5_000);
        for name in hostile.into_iter().chain([long.as_str()]) {
            let shown = one_line(name).map_or("Unnamed player".to_owned(), |name| cut(&name, 40));
            let player = PlayerLine { name: shown.clone(), class: "Frost Mage", color: "#4de3d1", damage: 1, dps: 1.0 };
            let plain_card = fight(ReportState::Live, Outcome::Unknown, None);
            let card = FightCard { title: shown.clone(), first: vec![player], ..plain_card };
            let svg = svg::of_fight(&card, Some(&shown), 0, &fonts);
            assert_eq!(svg.matches("<text").count(), svg.matches("</text>").count());
            assert!(!svg.contains("<script") && !svg.contains("<image") && !svg.contains("<!"), "{svg}");
            let pixmap = painted(&svg, &fonts);
            // A name, or what stands in its place, and nothing beyond its room.
            assert!(inked(&pixmap, 80..640, 272..302) > 50, "{name:?}");
            assert_eq!(inked(&pixmap, 1_141..1_199, 9..629), 0, "{name:?}");
            let raid = RaidCard::of(Some(&shown), [Outcome::Kill].iter(), Some(Arc::new(card)));
            painted(&svg::of_raid(&raid, 0, &fonts), &fonts);
        }
    }

    #[test]
    fn a_raid_without_fights_is_painted() {
        let fonts = Fonts::with(&[]);
        let pixmap = painted(&svg::of_raid(&RaidCard::of(None, [].iter(), None), 0, &fonts), &fonts);
        assert!(inked(&pixmap, 60..300, 110..170) > 100);
    }
}
