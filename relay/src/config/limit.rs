//! What numbers an operator may set.

/// Memory for open fights at the least, MiB: twice the largest fight.
pub(super) const MEMORY_MIB_MIN: u32 = 512;

/// A number that is not too small.
pub(super) fn at_least(name: &str, least: u32, number: u32) -> Result<u32, String> {
    if number < least { Err(format!("`{name}` must be at least {least}")) } else { Ok(number) }
}
