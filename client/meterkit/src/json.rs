//! JSON as it is written: fields in the order in which they are put.

use serde::Serialize;

/// JSON text in the order in which it is written.
#[derive(Default)]
pub(crate) struct Object(String);

impl Object {
    pub(crate) fn put(self, name: &str, value: impl Serialize) -> Self {
        let value = serde_json::to_string(&value).expect("plain values are JSON");
        self.raw(name, &value)
    }

    pub(crate) fn raw(mut self, name: &str, json: &str) -> Self {
        self.0 += if self.0.is_empty() { "{\"" } else { ",\"" };
        self.0 += name;
        self.0 += "\":";
        self.0 += json;
        self
    }

    pub(crate) fn done(self) -> String {
        self.0 + "}"
    }
}

/// A list of what is JSON already.
pub(crate) fn list(entries: &[String]) -> String {
    format!("[{}]", entries.join(","))
}
