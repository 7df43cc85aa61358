//! Access patterns: an endless sequence of line reads and writes, the same every time.

use super::device::LINE_BYTES;
use super::error::DramError;
use pisim_settings::did_you_mean;
use std::fmt;
use std::str::FromStr;

/// A pattern of line requests, named as on the command line. Pieces of B bytes begin with a line and take whole lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pattern {
    /// `seq_rd`: one stream of reads.
    SeqRead,
    /// `seq_wr`: one stream of writes.
    SeqWrite,
    /// `copy11`: a line read from one array, a line written to another, and so on.
    Copy,
    /// `triad21`: a line read from each of two arrays, a line written to a third.
    Triad,
    /// `rnd_rd`: reads of random lines.
    RandomRead,
    /// `rnd_wr`: writes of random lines.
    RandomWrite,
    /// `rnd_11`: random lines, read and written in turn.
    Random11,
    /// `rnd_21`: random lines, two reads and a write in turn.
    Random21,
    /// `copyblkB`: B bytes read from one array, then B bytes written to another.
    CopyBlock(u64),
    /// `triadblkB`: B bytes read from each of two arrays, then B bytes written to a third.
    TriadBlock(u64),
    /// `blkB`: random aligned blocks of B bytes, each read in order.
    Block(u64),
    /// `strN`: N streams of reads, a line of each in turn.
    Streams(u64),
    /// `strideS`: reads of the lines that hold bytes S apart.
    Stride(u64),
    /// `tileB`: tiles of 16 rows of B bytes, tile by tile out of a matrix with rows of 64 KiB, each tile read row by row.
    Tile(u64),
}

/// The patterns without a number.
const PLAIN: [(&str, Pattern); 8] = [
    ("seq_rd", Pattern::SeqRead),
    ("seq_wr", Pattern::SeqWrite),
    ("copy11", Pattern::Copy),
    ("triad21", Pattern::Triad),
    ("rnd_rd", Pattern::RandomRead),
    ("rnd_wr", Pattern::RandomWrite),
    ("rnd_11", Pattern::Random11),
    ("rnd_21", Pattern::Random21),
];

/// A name and the pattern that it makes of a number.
type Family = (&'static str, fn(u64) -> Pattern);

/// The families with a number, the longer name before the one that it starts with.
const FAMILIES: [Family; 6] = [
    ("copyblk", Pattern::CopyBlock),
    ("triadblk", Pattern::TriadBlock),
    ("blk", Pattern::Block),
    ("stride", Pattern::Stride),
    ("str", Pattern::Streams),
    ("tile", Pattern::Tile),
];

/// How error messages list all patterns.
const ALL_NAMES: &str =
    "seq_rd, seq_wr, copy11, triad21, rnd_rd, rnd_wr, rnd_11, rnd_21, copyblkB, triadblkB, blkB, strN, strideS, tileB";

/// The largest block and stride in bytes, the largest region that patterns cover, and the most streams.
const MOST_BYTES: u64 = 4 << 30;
const MOST_STREAMS: u64 = 4_096;

/// Rows of a tile, and lines of a row of the matrix that tiles are taken from.
const TILE_ROWS: u64 = 16;
const MATRIX_LINES: u64 = 1_024;

/// Arrays and streams start so many lines after their part of the region, so that they do not share a bank phase: the second
/// 517, the third 1,031, and further streams 517 more each.
const OFFSET_LINES: [u64; 3] = [0, 517, 1_031];

impl Pattern {
    /// The patterns that are shown when none is named.
    pub const STANDARD: [Self; 17] = [
        Self::SeqRead,
        Self::SeqWrite,
        Self::Copy,
        Self::Triad,
        Self::RandomRead,
        Self::RandomWrite,
        Self::Random11,
        Self::Random21,
        Self::Block(128),
        Self::Block(1_024),
        Self::Block(16_384),
        Self::CopyBlock(4_096),
        Self::Streams(4),
        Self::Streams(16),
        Self::Stride(256),
        Self::Stride(4_096),
        Self::Stride(65_536),
    ];

    /// The request with this number in a region of `region` lines: its line, and whether it writes.
    pub fn request(self, number: u64, region: u64) -> (u64, bool) {
        // Arrays and streams share the region evenly.
        let array = |index: u64, of: u64, line: u64| {
            let offset = OFFSET_LINES.get(index as usize).copied().unwrap_or(517 * index);
            (index * (region / of) + offset + line) % region
        };
        let random = |index: u64| scramble(index) % region;
        match self {
            Self::SeqRead => (number % region, false),
            Self::SeqWrite => (number % region, true),
            Self::Copy => (array(number % 2, 2, number / 2), number % 2 == 1),
            Self::Triad => (array(number % 3, 3, number / 3), number % 3 == 2),
            Self::RandomRead => (random(number), false),
            Self::RandomWrite => (random(number), true),
            Self::Random11 => (random(number), number % 2 == 1),
            Self::Random21 => (random(number), number % 3 == 2),
            Self::CopyBlock(bytes) | Self::TriadBlock(bytes) => {
                let (lines, arrays) = (Self::lines(bytes), if matches!(self, Self::CopyBlock(_)) { 2 } else { 3 });
                let (block, line) = (number / (arrays * lines), number % (arrays * lines));
                let index = line / lines;
                (array(index, arrays, block * lines + line % lines), index + 1 == arrays)
            }
            Self::Tile(bytes) => {
                let lines = Self::lines(bytes);
                let across = (MATRIX_LINES / lines).max(1);
                let (tile, line) = (number / (TILE_ROWS * lines), number % (TILE_ROWS * lines));
                let row = tile / across * TILE_ROWS + line / lines;
                ((row * MATRIX_LINES + tile % across * lines + line % lines) % region, false)
            }
            Self::Block(bytes) => {
                let lines = Self::lines(bytes);
                let blocks = (region / lines).max(1);
                ((scramble(number / lines) % blocks * lines + number % lines) % region, false)
            }
            Self::Streams(streams) => (array(number % streams, streams, number / streams), false),
            Self::Stride(bytes) => (number.wrapping_mul(bytes) / LINE_BYTES % region, false),
        }
    }

    /// Lines of a piece of so many bytes.
    pub(super) fn lines(bytes: u64) -> u64 {
        bytes.div_ceil(LINE_BYTES).max(1)
    }

    /// The part of the moved bytes that was asked for, 0 to 1: pieces take whole lines.
    pub fn useful(self) -> f64 {
        match self {
            Self::CopyBlock(bytes) | Self::TriadBlock(bytes) | Self::Block(bytes) | Self::Tile(bytes) => {
                bytes as f64 / (Self::lines(bytes) * LINE_BYTES) as f64
            }
            _ => 1.0,
        }
    }

    /// Whether it has no writes of its own, so that a read share can decide.
    pub(super) fn only_reads(self) -> bool {
        matches!(
            self,
            Self::SeqRead | Self::RandomRead | Self::Block(_) | Self::Streams(_) | Self::Stride(_) | Self::Tile(_)
        )
    }

    /// Whether its addresses are random.
    pub(super) fn is_random(self) -> bool {
        matches!(self, Self::RandomRead | Self::RandomWrite | Self::Random11 | Self::Random21 | Self::Block(_))
    }

    /// Refuses numbers that no request can have.
    fn check(self, name: &str) -> Result<Self, DramError> {
        let wrong = |problem: String, expected: &str| {
            Err(DramError::PatternNumber { name: name.to_owned(), problem, expected: expected.to_owned() })
        };
        match self {
            Self::Tile(bytes) if bytes > MATRIX_LINES * LINE_BYTES => {
                wrong(format!("{bytes} bytes are more than a row of the matrix"), "1 to 65536")
            }
            Self::CopyBlock(bytes)
            | Self::TriadBlock(bytes)
            | Self::Block(bytes)
            | Self::Stride(bytes)
            | Self::Tile(bytes) => {
                if !(1..=MOST_BYTES).contains(&bytes) {
                    wrong(format!("{bytes} bytes are out of range"), "1 to 4294967296")
                } else {
                    Ok(self)
                }
            }
            Self::Streams(streams) if !(1..=MOST_STREAMS).contains(&streams) => {
                wrong(format!("{streams} streams are out of range"), "1 to 4096")
            }
            _ => Ok(self),
        }
    }
}

/// A random-looking number for every index (the finaliser of SplitMix64; Steele et al., OOPSLA 2014).
fn scramble(index: u64) -> u64 {
    let mut word = index.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

impl FromStr for Pattern {
    type Err = DramError;

    fn from_str(name: &str) -> Result<Self, DramError> {
        if let Some((_, pattern)) = PLAIN.iter().find(|(plain, _)| *plain == name) {
            return Ok(*pattern);
        }
        let family = FAMILIES.iter().find_map(|(family, make)| Some((*family, *make, name.strip_prefix(family)?)));
        match family {
            Some((_, make, number)) if !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) => {
                match number.parse() {
                    Ok(number) => make(number).check(name),
                    Err(_) => make(u64::MAX).check(name),
                }
            }
            Some((family, _, "")) => Err(DramError::PatternNumber {
                name: name.to_owned(),
                problem: "its number is missing".to_owned(),
                expected: format!("one such as {family}{}", if family == "str" { 4 } else { 4_096 }),
            }),
            _ => {
                let letters = name.trim_end_matches(|c: char| c.is_ascii_digit());
                let families = FAMILIES.iter().map(|(family, _)| *family).filter(|_| letters != name);
                let hint = did_you_mean(name, PLAIN.iter().map(|(plain, _)| *plain));
                let hint = if hint.is_empty() { did_you_mean(letters, families) } else { hint };
                Err(DramError::UnknownPattern { name: name.to_owned(), known: ALL_NAMES.to_owned(), hint })
            }
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((name, _)) = PLAIN.iter().find(|(_, pattern)| pattern == self) {
            return f.write_str(name);
        }
        match self {
            Self::CopyBlock(bytes) => write!(f, "copyblk{bytes}"),
            Self::TriadBlock(bytes) => write!(f, "triadblk{bytes}"),
            Self::Tile(bytes) => write!(f, "tile{bytes}"),
            Self::Block(bytes) => write!(f, "blk{bytes}"),
            Self::Streams(streams) => write!(f, "str{streams}"),
            Self::Stride(bytes) => write!(f, "stride{bytes}"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_standard_pattern_reads_back_from_its_name() {
        for pattern in Pattern::STANDARD.into_iter().chain([Pattern::TriadBlock(128), Pattern::Tile(256)]) {
            assert_eq!(pattern.to_string().parse(), Ok(pattern));
        }
    }

    #[test]
    fn a_wrong_name_or_number_says_what_was_expected() {
        let error = |name: &str| name.parse::<Pattern>().unwrap_err().to_string();
        assert!(error("seq_rdd").ends_with("did you mean `seq_rd`?"), "{}", error("seq_rdd"));
        assert!(error("blok1024").ends_with("did you mean `blk`?"), "{}", error("blok1024"));
        assert_eq!(error("blk0"), "access pattern `blk0`: 0 bytes are out of range; expected 1 to 4294967296");
        assert_eq!(error("str0"), "access pattern `str0`: 0 streams are out of range; expected 1 to 4096");
        assert_eq!(error("stride"), "access pattern `stride`: its number is missing; expected one such as stride4096");
        assert!(error("blk99999999999999999999999").contains("out of range"));
        assert_eq!(
            error("tile131072"),
            "access pattern `tile131072`: 131072 bytes are more than a row of the matrix; expected 1 to 65536"
        );
        assert!(error("blk-64").starts_with("unknown access pattern `blk-64`; expected one of seq_rd, "));
    }

    #[test]
    fn requests_follow_the_definitions() {
        let region = 1 << 24;
        let of = |pattern: Pattern, count: u64| (0..count).map(|i| pattern.request(i, region)).collect::<Vec<_>>();
        let (half, third) = (region / 2, region / 3);
        assert_eq!(of(Pattern::Copy, 3), [(0, false), (half + 517, true), (1, false)]);
        assert_eq!(of(Pattern::Triad, 3), [(0, false), (third + 517, false), (2 * third + 1_031, true)]);
        let copies = of(Pattern::CopyBlock(128), 6);
        assert_eq!(copies[..4], [(0, false), (1, false), (half + 517, true), (half + 518, true)]);
        assert_eq!(copies[4..], [(2, false), (3, false)]);
        let triads = of(Pattern::TriadBlock(128), 7);
        assert_eq!(triads[..3], [(0, false), (1, false), (third + 517, false)]);
        assert_eq!(triads[4..], [(2 * third + 1_031, true), (2 * third + 1_032, true), (2, false)]);
        let tiles = of(Pattern::Tile(128), 33);
        assert_eq!(tiles[..3], [(0, false), (1, false), (1_024, false)]);
        assert_eq!(tiles[31..], [(15 * 1_024 + 1, false), (2, false)]);
        let blocks = of(Pattern::Block(256), 8);
        assert!(blocks[0].0 % 4 == 0 && blocks[3].0 == blocks[0].0 + 3 && blocks[4].0 != blocks[3].0 + 1);
        assert_eq!(of(Pattern::Stride(4_096), 3), [(0, false), (64, false), (128, false)]);
        assert_eq!(of(Pattern::Streams(2), 4).iter().map(|r| r.0).collect::<Vec<_>>(), [0, half + 517, 1, half + 518]);
        // Pieces take whole lines; a stride takes the lines that hold its bytes.
        assert_eq!(of(Pattern::Stride(100), 5).iter().map(|request| request.0).collect::<Vec<_>>(), [0, 1, 3, 4, 6]);
        assert_eq!(of(Pattern::Stride(8), 17)[7..9], [(0, false), (1, false)]);
        assert_eq!(of(Pattern::Block(1), 50), of(Pattern::Block(64), 50));
        assert_eq!(of(Pattern::CopyBlock(65), 50), of(Pattern::CopyBlock(128), 50));
        assert_eq!(
            [Pattern::Block(1), Pattern::Tile(96), Pattern::Stride(8)].map(Pattern::useful),
            [1.0 / 64.0, 0.75, 1.0]
        );
        let writes = |pattern| of(pattern, 600).iter().filter(|(_, write)| *write).count();
        assert_eq!([Pattern::Random11, Pattern::Random21, Pattern::RandomWrite].map(writes), [300, 200, 600]);
    }
}
