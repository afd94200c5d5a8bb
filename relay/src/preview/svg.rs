//! The picture of a link, as SVG.
//!
//! One invariant: what people chose (names, titles) stands in it as escaped text, cut to its place, and nothing of it is
//! markup. A picture is a pure function of what it shows and of the fonts.

use std::fmt::{self, Write as _};

use super::card::{FightCard, PlayerLine, RaidCard};
use super::font::Fonts;
use super::text::escaped;
use super::words::{ended, figures, health, late, raid_figures, raid_name, short, word};

/// Of a picture, px: as Open Graph and Discord show large ones.
pub(super) const WIDTH: u32 = 1_200;
/// See [`WIDTH`].
pub(super) const HEIGHT: u32 = 630;

// The dark theme's, by meaning (`web/src/look.css`).
const BG: &str = "#0d1015";
const SURFACE: &str = "#141820";
const LINE: &str = "#262d39";
const TEXT: &str = "#e8ebf1";
const MUTED: &str = "#a3acbb";
const LIVE: &str = "#ff6b6b";
const GOOD: &str = "#4ade80";
const BAD: &str = "#ff7b7b";
const WARN: &str = "#f5b942";
const ACCENT: &str = "#8ab4ff";

/// From the edges, px.
const MARGIN: f32 = 60.0;
const INNER: f32 = 1_080.0;
/// The first player's line, and from one to the next, px.
const FIRST_LINE: usize = 266;
const LINE_STEP: usize = 50;
/// A player's name has so much room, px.
const NAME_WIDTH: f32 = 560.0;

/// What a picture shows, from its top to its foot.
struct Sheet<'a> {
    mark: &'a str,
    color: &'static str,
    /// Beside the mark.
    above: Option<String>,
    title: &'a str,
    /// Where no font has anything of the title.
    title_otherwise: &'static str,
    below: String,
    health: Option<f64>,
    players: &'a [PlayerLine],
    late: Option<String>,
}

/// The picture of a fight, of a raid with this title.
pub(super) fn of_fight(fight: &FightCard, raid: Option<&str>, delay_s: u32, fonts: &Fonts) -> String {
    let below = match fight.is_live() {
        true => figures(fight),
        false => format!("{} · {}", ended(fight), figures(fight)),
    };
    let sheet = Sheet {
        mark: word(fight),
        color: color(fight),
        above: raid.map(str::to_owned),
        title: &fight.title,
        title_otherwise: "Boss fight",
        below,
        health: fight.health.filter(|_| health(fight).is_some()),
        players: &fight.first,
        late: late(delay_s),
    };
    sheet.svg(fonts)
}

/// The picture of a raid: of the fight that goes on, else of what it holds and its newest fight.
pub(super) fn of_raid(raid: &RaidCard, delay_s: u32, fonts: &Fonts) -> String {
    let newest = raid.newest.as_deref();
    if let Some(fight) = newest.filter(|fight| fight.is_live()) {
        return of_fight(fight, raid.title.as_deref(), delay_s, fonts);
    }
    let of_newest = newest.map(|fight| {
        // What it is called may be what no font has.
        let title = fonts.drawn(&fight.title).unwrap_or_else(|| "the newest fight".to_owned());
        format!("{title}: {}", ended(fight))
    });
    let sheet = Sheet {
        mark: "Raid",
        color: ACCENT,
        above: of_newest,
        title: raid_name(raid),
        title_otherwise: "Raid",
        below: raid_figures(raid),
        health: None,
        players: newest.map_or(&[][..], |fight| &fight.first[..]),
        late: late(delay_s),
    };
    sheet.svg(fonts)
}

fn color(fight: &FightCard) -> &'static str {
    match word(fight) {
        "Live" => LIVE,
        "Kill" => GOOD,
        "Wipe" => BAD,
        "Provisional" | "Unfinished" => WARN,
        _ => MUTED,
    }
}

impl Sheet<'_> {
    fn svg(&self, fonts: &Fonts) -> String {
        let mut out = String::with_capacity(8 * 1024);
        // Writing to a text cannot fail.
        let _ = self.write(&mut out, fonts);
        out
    }

    fn write(&self, out: &mut String, fonts: &Fonts) -> fmt::Result {
        let (color, family) = (self.color, Fonts::family());
        write!(
            out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{HEIGHT}\" viewBox=\"0 0 {WIDTH} \
             {HEIGHT}\" font-family=\"{family}\"><rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"{BG}\"/><rect \
             width=\"{WIDTH}\" height=\"8\" fill=\"{color}\"/>"
        )?;
        let mark = self.mark.to_uppercase();
        let mark_width = fonts.width(&mark, 24.0) + 36.0;
        write!(
            out,
            "<rect x=\"{MARGIN}\" y=\"46\" width=\"{mark_width:.1}\" height=\"44\" rx=\"22\" fill=\"{color}\"/>"
        )?;
        text(out, (MARGIN + 18.0, 77), 24, BG, &mark)?;
        let room = INNER - mark_width - 24.0;
        if let Some(above) = self.above.as_deref().and_then(|above| fonts.drawn(above)) {
            let above = fonts.fitted(&above, 28.0, room);
            text(out, (MARGIN + mark_width + 24.0, 78), 28, MUTED, &above)?;
        }
        let title = fonts.drawn(self.title).unwrap_or_else(|| self.title_otherwise.to_owned());
        text(out, (MARGIN, 160), 60, TEXT, &fonts.fitted(&title, 60.0, INNER))?;
        text(out, (MARGIN, 212), 30, MUTED, &fonts.fitted(&self.below, 30.0, INNER))?;
        if let Some(health) = self.health {
            let left = health as f32 * INNER;
            write!(out, "<rect x=\"{MARGIN}\" y=\"234\" width=\"{INNER}\" height=\"12\" rx=\"6\" fill=\"{LINE}\"/>")?;
            write!(out, "<rect x=\"{MARGIN}\" y=\"234\" width=\"{left:.1}\" height=\"12\" rx=\"6\" fill=\"{BAD}\"/>")?;
        }
        let greatest = self.players.first().map_or(1, |player| player.damage).max(1);
        for (nth, line) in self.players.iter().enumerate() {
            player(out, FIRST_LINE + nth * LINE_STEP, line, greatest, fonts)?;
        }
        write!(
            out,
            "<path d=\"M66 608v-9m8 9v-15m8 15v-15m8 15v-4\" stroke=\"#5eead4\" stroke-width=\"4\" \
             stroke-linecap=\"round\" fill=\"none\"/>"
        )?;
        text(out, (MARGIN + 44.0, 609), 24, MUTED, "Raidcast")?;
        if let Some(late) = &self.late {
            text_to(out, (MARGIN + INNER, 609), 24, WARN, late)?;
        }
        write!(out, "</svg>")
    }
}

/// A player's line: a bar as long as his share of the greatest, his name, and his figures.
fn player(out: &mut String, y: usize, line: &PlayerLine, greatest: u64, fonts: &Fonts) -> fmt::Result {
    let (width, color) = (line.damage.min(greatest) as f32 / greatest as f32 * INNER, line.color);
    let name = fonts.drawn(&line.name).unwrap_or_else(|| line.class.to_owned());
    let (rate, amount) = (format!("{} DPS", short(line.dps)), short(line.damage as f64));
    write!(out, "<rect x=\"{MARGIN}\" y=\"{y}\" width=\"{INNER}\" height=\"42\" rx=\"6\" fill=\"{SURFACE}\"/>")?;
    write!(
        out,
        "<rect x=\"{MARGIN}\" y=\"{y}\" width=\"{width:.1}\" height=\"42\" rx=\"6\" fill=\"{color}\" \
         fill-opacity=\"0.3\"/>"
    )?;
    write!(out, "<rect x=\"{MARGIN}\" y=\"{y}\" width=\"6\" height=\"42\" rx=\"3\" fill=\"{color}\"/>")?;
    text(out, (MARGIN + 22.0, y + 30), 26, TEXT, &fonts.fitted(&name, 26.0, NAME_WIDTH))?;
    text_to(out, (MARGIN + INNER - 220.0, y + 30), 26, MUTED, &amount)?;
    text_to(out, (MARGIN + INNER - 20.0, y + 30), 26, TEXT, &rate)
}

fn text(out: &mut String, (x, y): (f32, usize), size: u32, fill: &str, text: &str) -> fmt::Result {
    let text = escaped(text);
    write!(out, "<text x=\"{x:.1}\" y=\"{y}\" font-size=\"{size}\" fill=\"{fill}\">{text}</text>")
}

/// The same, ending here.
fn text_to(out: &mut String, (x, y): (f32, usize), size: u32, fill: &str, text: &str) -> fmt::Result {
    let text = escaped(text);
    write!(out, "<text x=\"{x:.1}\" y=\"{y}\" font-size=\"{size}\" fill=\"{fill}\" text-anchor=\"end\">{text}</text>")
}
