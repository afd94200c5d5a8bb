//! Numbers as Prometheus reads them, taken apart by the rules of its text format.

use std::collections::{BTreeMap, BTreeSet};

/// One line of numbers: its labels, and what it says.
pub(crate) type Sample = (BTreeMap<String, String>, f64);

/// A page of metrics, taken apart by the rules of the format.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    kinds: BTreeMap<String, String>,
    pub(crate) samples: BTreeMap<String, Vec<Sample>>,
}

impl Metrics {
    /// Takes text apart; what breaks a rule is told with its line.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut metrics = Self::default();
        let (mut helped, mut seen) = (BTreeSet::new(), BTreeSet::new());
        if !text.ends_with('\n') {
            return Err("the last line does not end".into());
        }
        for line in text.lines() {
            let wrong = |why: &str| Err(format!("{why}: {line}"));
            if let Some(help) = line.strip_prefix("# HELP ") {
                let (name, words) = help.split_once(' ').unwrap_or((help, ""));
                if words.len() < 5 || !helped.insert(name.to_owned()) {
                    return wrong("no words, or said twice");
                }
            } else if let Some(kind) = line.strip_prefix("# TYPE ") {
                let Some((name, kind)) = kind.split_once(' ') else { return wrong("no type") };
                if !helped.contains(name) || metrics.kinds.insert(name.into(), kind.into()).is_some() {
                    return wrong("its words must come first, and its type once");
                }
            } else {
                if !seen.insert(line.rsplit_once(' ').map_or(line, |(series, _)| series).to_owned()) {
                    return wrong("it is there twice");
                }
                let Some((name, sample)) = parse_sample(line) else { return wrong("no number with a name") };
                metrics.samples.entry(name).or_default().push(sample);
            }
        }
        metrics.check()?;
        Ok(metrics)
    }

    /// The family that a line of numbers belongs to.
    fn family(&self, name: &str) -> Option<&str> {
        if let Some((name, _)) = self.kinds.get_key_value(name) {
            return Some(name);
        }
        let base = ["_bucket", "_sum", "_count"].into_iter().find_map(|end| name.strip_suffix(end))?;
        self.kinds.get_key_value(base).filter(|(_, kind)| *kind == "histogram").map(|(name, _)| name.as_str())
    }

    fn check(&self) -> Result<(), String> {
        for (name, kind) in &self.kinds {
            let ends_as_counter = name.ends_with("_total");
            match kind.as_str() {
                "counter" if ends_as_counter => {}
                "gauge" | "histogram" if !ends_as_counter => {}
                _ => return Err(format!("{name} is no name for a {kind}")),
            }
            if ["_ms", "_millis", "_kib", "_mib", "_kb"].iter().any(|unit| name.contains(unit)) {
                return Err(format!("{name} is not in a base unit"));
            }
            if kind == "histogram" {
                self.check_histogram(name)?;
            }
        }
        let lost = self.samples.keys().find(|name| self.family(name).is_none());
        lost.map_or(Ok(()), |name| Err(format!("{name} has no type")))
    }

    fn check_histogram(&self, name: &str) -> Result<(), String> {
        let mut rows: BTreeMap<_, Vec<(f64, f64)>> = BTreeMap::new();
        for (labels, count) in self.of(&format!("{name}_bucket")) {
            let mut labels = labels.clone();
            let le = labels.remove("le").and_then(|le| le.replace("+Inf", "inf").parse().ok());
            let Some(le) = le else { return Err(format!("{name} has a bucket without an end")) };
            rows.entry(labels).or_default().push((le, *count));
        }
        for (labels, buckets) in rows {
            let grows = buckets.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1);
            let all = buckets.last().filter(|last| last.0.is_infinite()).map(|last| last.1);
            let count = self.of(&format!("{name}_count")).iter().find(|(of, _)| *of == labels).map(|(_, count)| *count);
            if !grows || all.is_none() || all != count {
                return Err(format!("the buckets of {name} do not add up: {buckets:?}, {count:?}"));
            }
        }
        Ok(())
    }

    fn of(&self, name: &str) -> &[Sample] {
        self.samples.get(name).map_or(&[], Vec::as_slice)
    }

    /// The one number with this name and these labels.
    pub(crate) fn get(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let found = self.of(name).iter().find(|(of, _)| *of == labels).map(|(_, value)| *value);
        found.unwrap_or_else(|| panic!("no {name} with {labels:?}: {:?}", self.of(name)))
    }
}

fn parse_sample(line: &str) -> Option<(String, Sample)> {
    let is_name = |name: &str| {
        name.starts_with(|first: char| first.is_ascii_lowercase())
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    };
    let (series, value) = line.rsplit_once(' ')?;
    let (name, labels) = series.split_once('{').map_or((series, ""), |(name, labels)| (name, labels));
    let mut held = BTreeMap::new();
    for label in labels.strip_suffix('}').unwrap_or(labels).split(',').filter(|label| !label.is_empty()) {
        let (name, value) = label.split_once('=')?;
        let value = value.strip_prefix('"')?.strip_suffix('"')?;
        if !is_name(name) || value.contains(['"', '\\']) || held.insert(name.to_owned(), value.to_owned()).is_some() {
            return None;
        }
    }
    is_name(name).then_some((name.to_owned(), (held, value.parse().ok()?)))
}

#[test]
fn a_page_that_breaks_a_rule_is_seen() {
    let good = "# HELP a_total So many.\n# TYPE a_total counter\na_total{b=\"c\"} 1\n";
    let histogram = "# HELP h_seconds So long.\n# TYPE h_seconds histogram\nh_seconds_bucket{le=\"1\"} 2\n\
                     h_seconds_bucket{le=\"+Inf\"} 3\nh_seconds_sum 4.5\nh_seconds_count 3\n";
    assert!(Metrics::parse(good).is_ok() && Metrics::parse(histogram).is_ok());
    for (bad, why) in [
        (good.trim_end().to_owned(), "does not end"),
        (good.replace("a_total", "a"), "no name for a counter"),
        (good.replace("counter", "gauge"), "no name for a gauge"),
        (good.replace("# HELP a_total So many.\n", ""), "must come first"),
        (good.replace("# TYPE a_total counter\n", ""), "has no type"),
        (format!("{good}a_total{{b=\"c\"}} 2\n"), "there twice"),
        (good.replace("} 1", "} one"), "no number"),
        (good.replace("b=", "B="), "no number"),
        (good.replace("a_total", "a_ms_total"), "base unit"),
        (histogram.replace("count 3", "count 4"), "do not add up"),
        (histogram.replace("\"1\"} 2", "\"1\"} 5"), "do not add up"),
        (histogram.replace("h_seconds_bucket{le=\"+Inf\"} 3\n", ""), "do not add up"),
    ] {
        let told = Metrics::parse(&bad).map(drop);
        assert!(told.as_ref().is_err_and(|told| told.contains(why)), "{told:?}, not {why}: {bad}");
    }
}
