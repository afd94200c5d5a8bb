//! Fights that come whole, over HTTP: from bytes to a kept report, without a raid's task.
mod body;
