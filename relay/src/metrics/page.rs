//! What is read when somebody asks, and all of it as text: Prometheus' format 0.0.4.

use prometheus::core::Collector;
use prometheus::proto::MetricFamily;
use prometheus::{CounterVec, GaugeVec, Opts, Registry, Result, TextEncoder};

/// What was read, each under its own name.
#[derive(Default)]
pub struct Page {
    read: Vec<MetricFamily>,
}

impl Page {
    fn write(&mut self, held: impl Collector + 'static) {
        let registry = Registry::new();
        registry.register(Box::new(held)).expect("it is the only one there");
        self.read.extend(registry.gather());
    }

    /// One number that goes up and down.
    pub fn gauge(&mut self, name: &str, help: &str, value: impl IntoNumber) {
        let gauge = prometheus::Gauge::new(name, help).expect("a name as it should be");
        gauge.set(value.number());
        self.write(gauge);
    }

    /// Several, which differ in one label.
    pub fn gauges<'a, N: IntoNumber>(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        values: impl IntoIterator<Item = (&'a str, N)>,
    ) {
        let all = GaugeVec::new(Opts::new(name, help), &[label]).expect("a name and a label as they should be");
        for (of, value) in values {
            all.with_label_values(&[of]).set(value.number());
        }
        self.write(all);
    }

    /// One number that only goes up.
    pub fn counter(&mut self, name: &str, help: &str, value: impl IntoNumber) {
        let counter = prometheus::Counter::new(name, help).expect("a name as it should be");
        counter.inc_by(value.number());
        self.write(counter);
    }

    /// Several, which differ in one label.
    pub fn counters<'a, N: IntoNumber>(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        values: impl IntoIterator<Item = (&'a str, N)>,
    ) {
        let all = CounterVec::new(Opts::new(name, help), &[label]).expect("a name and a label as they should be");
        for (of, value) in values {
            all.with_label_values(&[of]).inc_by(value.number());
        }
        self.write(all);
    }

    /// As text, behind what was counted.
    pub(super) fn text(self, mut counted: Vec<MetricFamily>) -> Result<String> {
        counted.extend(self.read);
        TextEncoder::new().encode_to_string(&counted)
    }
}

/// What a metric can be: below 2^53 exactly.
pub trait IntoNumber {
    /// The same as a float.
    fn number(self) -> f64;
}

impl IntoNumber for u64 {
    fn number(self) -> f64 {
        self as f64
    }
}

impl IntoNumber for usize {
    fn number(self) -> f64 {
        self as f64
    }
}

impl IntoNumber for bool {
    fn number(self) -> f64 {
        f64::from(u8::from(self))
    }
}

impl IntoNumber for f64 {
    fn number(self) -> f64 {
        self
    }
}
