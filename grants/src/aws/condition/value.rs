//! Numbers, dates and address blocks, as policies and requests write them.

use std::cmp::Ordering;
use std::net::IpAddr;

use chrono::{DateTime, NaiveDate, NaiveDateTime};

/// A number; whole ones compare exactly.
#[derive(Clone, Copy, Debug)]
pub(super) enum Number {
    Whole(i128),
    Fraction(f64),
}

impl Number {
    /// For a comparison with a fraction, where the last digits of a huge number do not matter.
    #[expect(clippy::cast_precision_loss, reason = "the other side is a fraction")]
    fn approximate(self) -> f64 {
        match self {
            Self::Whole(number) => number as f64,
            Self::Fraction(number) => number,
        }
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.partial_cmp(other) == Some(Ordering::Equal)
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Whole(own), Self::Whole(other)) => Some(own.cmp(other)),
            _ => self.approximate().partial_cmp(&other.approximate()),
        }
    }
}

pub(super) fn number(text: &str) -> Option<Number> {
    let text = text.trim();
    // Rust's floats also read "inf" and "nan".
    let is_number = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    if !is_number {
        return None;
    }
    let whole = text.parse().ok().map(Number::Whole);
    whole.or_else(|| text.parse().ok().map(Number::Fraction))
}

/// Seconds since 1970 (with a fraction, where there is one) of an ISO 8601 date in the forms of the W3C note, or of such seconds.
pub(super) fn date(text: &str) -> Option<Number> {
    let text = text.trim();
    let day = |text: &str| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
    let of_day = |day: NaiveDate| {
        Number::Whole(
            day.and_time(chrono::NaiveTime::MIN)
                .and_utc()
                .timestamp()
                .into(),
        )
    };
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(seconds(&time));
    }
    if let Ok(time) = DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M%#z") {
        return Some(seconds(&time));
    }
    // Without a zone it is UTC.
    for form in ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%MZ", "%Y-%m-%dT%H:%M"] {
        if let Ok(time) = NaiveDateTime::parse_from_str(text, form) {
            return Some(seconds(&time.and_utc().fixed_offset()));
        }
    }
    let bytes = text.as_bytes();
    let is_month = bytes.len() == 7 && bytes.get(4) == Some(&b'-');
    match text.len() {
        10 if bytes.get(4) == Some(&b'-') => day(text).map(of_day),
        7 if is_month => day(&format!("{text}-01")).map(of_day),
        // Four digits are a year; more are seconds.
        4 => day(&format!("{text}-01-01")).map(of_day),
        _ => number(text),
    }
}

fn seconds<Z: chrono::TimeZone>(time: &DateTime<Z>) -> Number {
    match time.timestamp_subsec_nanos() {
        0 => Number::Whole(time.timestamp().into()),
        nanos => Number::Fraction(
            Number::Whole(time.timestamp().into()).approximate() + f64::from(nanos) / 1e9,
        ),
    }
}

/// `203.0.113.0/24`, or an address alone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block {
    address: IpAddr,
    prefix: u32,
}

impl Block {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (address_text, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix.parse().ok()?)),
            None => (text, None),
        };
        let address = address(address_text)?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.unwrap_or(most);
        (prefix <= most).then_some(Self { address, prefix })
    }

    pub(super) fn contains(self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let differ = u32::from(own) ^ u32::from(other);
                differ.leading_zeros() >= self.prefix
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let differ = u128::from(own) ^ u128::from(other);
                differ.leading_zeros() >= self.prefix
            }
            _ => false,
        }
    }
}

pub(super) fn address(text: &str) -> Option<IpAddr> {
    text.trim().parse().ok()
}
