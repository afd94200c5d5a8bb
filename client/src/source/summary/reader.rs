//! The few kinds of MessagePack that a summary is made of, read in place: nothing is allocated for what is read.
//!
//! Pure. Lengths are believed only as far as there are bytes, and nesting is bounded.

/// The deepest nesting that is passed over.
const DEPTH_MAX: usize = 32;

/// Not what was expected there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unfit;

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Head<'a> {
    Nil,
    Truth,
    /// A whole number; those that do not fit saturate.
    Int(i64),
    /// Any other number.
    Float,
    Text(&'a [u8]),
    Bytes(&'a [u8]),
    /// So many values follow.
    List(usize),
    /// So many pairs follow.
    Map(usize),
    Other,
}

/// Reads values one after the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Unfit> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Unfit)?;
        self.0 = rest;
        Ok(taken)
    }

    fn number(&mut self, bytes: usize) -> Result<u64, Unfit> {
        Ok(self.take(bytes)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// A length that there can be bytes for, at least one for each of `each`.
    fn length(&mut self, bytes: usize, each: usize) -> Result<usize, Unfit> {
        let length = usize::try_from(self.number(bytes)?).map_err(|_| Unfit)?;
        self.fitting(length, each)
    }

    fn fitting(&self, length: usize, each: usize) -> Result<usize, Unfit> {
        if length.checked_mul(each).is_some_and(|bytes| bytes <= self.0.len()) { Ok(length) } else { Err(Unfit) }
    }

    /// The next value, or how many values of it follow.
    pub(super) fn head(&mut self) -> Result<Head<'a>, Unfit> {
        let marker = self.number(1)? as u8;
        Ok(match marker {
            0x00..=0x7f => Head::Int(marker.into()),
            0x80..=0x8f => Head::Map(self.fitting(usize::from(marker & 0x0f), 2)?),
            0x90..=0x9f => Head::List(self.fitting(usize::from(marker & 0x0f), 1)?),
            0xa0..=0xbf => Head::Text(self.take(usize::from(marker & 0x1f))?),
            0xc0 => Head::Nil,
            0xc2 | 0xc3 => Head::Truth,
            0xc4..=0xc6 => {
                let length = self.length(1 << (marker - 0xc4), 1)?;
                Head::Bytes(self.take(length)?)
            }
            0xc7..=0xc9 => {
                let length = self.length(1 << (marker - 0xc7), 1)?;
                self.take(length.saturating_add(1))?;
                Head::Other
            }
            0xca | 0xcb => {
                self.take(4 << (marker - 0xca))?;
                Head::Float
            }
            0xcc..=0xcf => Head::Int(i64::try_from(self.number(1 << (marker - 0xcc))?).unwrap_or(i64::MAX)),
            0xd0 => Head::Int((self.number(1)? as u8).cast_signed().into()),
            0xd1 => Head::Int((self.number(2)? as u16).cast_signed().into()),
            0xd2 => Head::Int((self.number(4)? as u32).cast_signed().into()),
            0xd3 => Head::Int(self.number(8)?.cast_signed()),
            0xd4..=0xd8 => {
                self.take((1 << (marker - 0xd4)) + 1)?;
                Head::Other
            }
            0xd9..=0xdb => {
                let length = self.length(1 << (marker - 0xd9), 1)?;
                Head::Text(self.take(length)?)
            }
            0xdc | 0xdd => Head::List(self.length(2 << (marker - 0xdc), 1)?),
            0xde | 0xdf => Head::Map(self.length(2 << (marker - 0xde), 2)?),
            0xe0..=0xff => Head::Int(marker.cast_signed().into()),
            0xc1 => return Err(Unfit),
        })
    }

    /// Passes over the next value, whatever it is.
    pub(super) fn skip(&mut self) -> Result<(), Unfit> {
        self.skip_to(DEPTH_MAX)
    }

    fn skip_to(&mut self, depth: usize) -> Result<(), Unfit> {
        let values = match self.head()? {
            Head::List(values) => values,
            Head::Map(pairs) => pairs * 2,
            _ => return Ok(()),
        };
        let depth = depth.checked_sub(1).ok_or(Unfit)?;
        (0..values).try_for_each(|_| self.skip_to(depth))
    }

    pub(super) fn int(&mut self) -> Result<i64, Unfit> {
        match self.head()? {
            Head::Int(value) => Ok(value),
            _ => Err(Unfit),
        }
    }

    /// A number of 128 bits: 16 bytes, big end first, or a plain one. `None` where it has more than 64.
    pub(super) fn wide(&mut self) -> Result<Option<u64>, Unfit> {
        match self.head()? {
            Head::Int(value) => Ok(u64::try_from(value).ok()),
            Head::Bytes(bytes) => {
                let bytes: [u8; 16] = bytes.try_into().map_err(|_| Unfit)?;
                Ok(u64::try_from(u128::from_be_bytes(bytes)).ok())
            }
            _ => Err(Unfit),
        }
    }

    pub(super) fn text(&mut self) -> Result<&'a [u8], Unfit> {
        match self.head()? {
            Head::Text(text) => Ok(text),
            _ => Err(Unfit),
        }
    }

    pub(super) fn list(&mut self) -> Result<usize, Unfit> {
        match self.head()? {
            Head::List(values) => Ok(values),
            _ => Err(Unfit),
        }
    }

    /// A list of exactly so many values.
    pub(super) fn list_of(&mut self, values: usize) -> Result<(), Unfit> {
        if self.list()? == values { Ok(()) } else { Err(Unfit) }
    }

    pub(super) fn map(&mut self) -> Result<usize, Unfit> {
        match self.head()? {
            Head::Map(pairs) => Ok(pairs),
            _ => Err(Unfit),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_they_were_written() {
        let value = (-5_i64, "näme", None::<u8>, u128::MAX, 300_u128, vec![1, 2, 3], 1.5_f32, true, i64::MIN);
        let bytes = rmp_serde::to_vec(&value).unwrap();
        let mut reader = Reader::new(&bytes);
        reader.list_of(9).unwrap();
        assert_eq!(reader.int(), Ok(-5));
        assert_eq!(reader.text(), Ok("näme".as_bytes()));
        assert_eq!(reader.head(), Ok(Head::Nil));
        assert_eq!((reader.wide(), reader.wide()), (Ok(None), Ok(Some(300))));
        reader.skip().unwrap();
        assert_eq!((reader.head(), reader.head(), reader.int()), (Ok(Head::Float), Ok(Head::Truth), Ok(i64::MIN)));
        assert!(reader.is_at_end());
    }

    #[test]
    fn lengths_that_lie_and_nesting_without_end_are_refused() {
        for bytes in
            [&b"\xdd\xff\xff\xff\xff"[..], b"\xdf\xff\xff\xff\xff\x01", b"\xc6\xff\xff\xff\xff", b"\xd9", b"", b"\xc1"]
        {
            assert_eq!(Reader::new(bytes).head(), Err(Unfit), "{bytes:?}");
        }
        assert_eq!(Reader::new(&vec![0x91; 100_000]).skip(), Err(Unfit));
    }
}
