//! How a requester asks: a pattern of addresses, how much of it is read, and how many requests it keeps under way.

use super::device::LINE_BYTES;
use super::error::DramError;
use super::pattern::Pattern;
use super::system::DramSystem;

/// The part of requests that read, to a millionth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ReadShare(u64);

/// All of a [`ReadShare`].
const WHOLE: u64 = 1_000_000;

impl ReadShare {
    /// A share from 0, only writes, to 1, only reads.
    ///
    /// # Errors
    /// It is outside, or no number.
    pub fn new(share: f64) -> Result<Self, DramError> {
        if (0.0..=1.0).contains(&share) {
            Ok(Self((share * WHOLE as f64).round() as u64))
        } else {
            Err(DramError::ReadShare { share: share.to_string() })
        }
    }

    /// The share, 0 to 1.
    pub fn share(self) -> f64 {
        self.0 as f64 / WHOLE as f64
    }

    /// Whether the request or block with this number writes: writes are spread evenly, so that a half writes every second, and
    /// 0.67 begins as two thirds do, with every third.
    fn writes(self, number: u64) -> bool {
        let writes = u128::from(WHOLE - self.0);
        let before = |number: u64| (u128::from(number) * writes + u128::from(WHOLE / 100)) / u128::from(WHOLE);
        before(number + 1) > before(number)
    }
}

/// A pattern and how it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Access {
    /// The addresses.
    pub pattern: Pattern,
    /// What part of a pattern that otherwise only reads is read; of random blocks, of the blocks.
    pub read_share: Option<ReadShare>,
    /// Requests under way at a time: reads without their data, and writes that the memory has not taken; without it, as many
    /// as the memory takes.
    pub queue_depth: Option<u64>,
}

impl From<Pattern> for Access {
    fn from(pattern: Pattern) -> Self {
        Self { pattern, read_share: None, queue_depth: None }
    }
}

impl Access {
    /// Refuses what no system can do, whatever the memory.
    ///
    /// # Errors
    /// A read share of a pattern that itself says what it writes; no request at a time, or too many.
    pub fn check(&self) -> Result<(), DramError> {
        if self.read_share.is_some() && !self.pattern.only_reads() {
            return Err(DramError::ReadsAndWrites { pattern: self.pattern.to_string() });
        }
        match self.queue_depth {
            Some(count) if !(1..=MOST_UNDER_WAY).contains(&count) => {
                Err(DramError::Count { what: "requests under way", count, expected: "1 to 65536" })
            }
            _ => Ok(()),
        }
    }

    /// The request with this number in a region of `region` lines: its line, and whether it writes.
    pub fn request(&self, number: u64, region: u64) -> (u64, bool) {
        let (line, write) = self.pattern.request(number, region);
        let decided = self.read_share.map(|share| match self.pattern {
            Pattern::Block(bytes) => share.writes(number / Pattern::lines(bytes)),
            _ => share.writes(number),
        });
        (line, decided.unwrap_or(write))
    }

    /// Whether all requests go in one direction.
    pub(super) fn one_way(&self) -> bool {
        self.read_share.is_none_or(|share| share.0 == 0 || share.0 == WHOLE)
    }
}

/// The most requests under way; more make no difference to any memory.
const MOST_UNDER_WAY: u64 = 65_536;

impl DramSystem {
    /// Refuses accesses that this memory cannot have.
    ///
    /// # Errors
    /// What [`Access::check`] refuses, or a stride or block as long as the region that patterns cover.
    pub fn check_access(&self, access: impl Into<Access>) -> Result<(), DramError> {
        let access = access.into();
        access.check()?;
        let region = self.region_lines() * LINE_BYTES;
        match access.pattern {
            Pattern::Stride(bytes) | Pattern::Block(bytes) if bytes >= region => Err(DramError::PatternNumber {
                name: access.pattern.to_string(),
                problem: format!("{bytes} bytes are not within the {region} bytes of this memory that patterns cover"),
                expected: "less".to_owned(),
            }),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(pattern: Pattern, share: f64) -> Access {
        Access { read_share: Some(ReadShare::new(share).unwrap()), ..pattern.into() }
    }

    #[test]
    fn a_read_share_writes_as_often_as_it_says_and_evenly() {
        for share in [0.0, 0.1, 0.25, 0.5, 0.667, 0.9, 1.0] {
            let access = access(Pattern::RandomRead, share);
            let writes: Vec<bool> = (0..30_000).map(|number| access.request(number, 1 << 24).1).collect();
            let count = |of: &[bool]| of.iter().filter(|write| **write).count() as f64;
            assert!((count(&writes) - (1.0 - share) * 30_000.0).abs() <= 1.0, "{share}");
            for hundred in writes.chunks(100) {
                assert!((count(hundred) - (1.0 - share) * 100.0).abs() <= 1.0, "{share}");
            }
        }
    }

    #[test]
    fn shares_of_the_named_mixes_give_the_same_requests() {
        let same = |share: f64, named: Pattern| {
            let access = access(Pattern::RandomRead, share);
            (0..3_000).all(|number| access.request(number, 1 << 24) == named.request(number, 1 << 24))
        };
        assert!(same(0.0, Pattern::RandomWrite) && same(1.0, Pattern::RandomRead));
        assert!(same(0.5, Pattern::Random11) && same(0.666_667, Pattern::Random21));
        let blocks = access(Pattern::Block(256), 0.5);
        let writes: Vec<bool> = (0..12).map(|number| blocks.request(number, 1 << 24).1).collect();
        assert_eq!(writes, [vec![false; 4], vec![true; 4], vec![false; 4]].concat());
    }

    #[test]
    fn what_makes_no_sense_says_why() {
        assert_eq!(ReadShare::new(1.5).unwrap_err().to_string(), "a read share of 1.5; expected 0 to 1");
        assert!(ReadShare::new(f64::NAN).is_err());
        let error = access(Pattern::Copy, 0.5).check().unwrap_err().to_string();
        assert_eq!(
            error,
            "access pattern `copy11` itself says what it reads and what it writes; expected seq_rd, rnd_rd, blkB, strN, \
             strideS or tileB beside a read share"
        );
        let none = Access { queue_depth: Some(0), ..Pattern::RandomRead.into() };
        assert_eq!(none.check().unwrap_err().to_string(), "0 requests under way; expected 1 to 65536");
        let memory = DramSystem::named("lpddr4", crate::dram::AddressMapping::Column).unwrap();
        assert_eq!(memory.check_access(Pattern::Stride((512 << 20) - 64)), Ok(()));
        assert_eq!(
            memory.check_access(Pattern::Stride(512 << 20)).unwrap_err().to_string(),
            "access pattern `stride536870912`: 536870912 bytes are not within the 536870912 bytes of this memory that patterns \
             cover; expected less"
        );
    }
}
