//! From when until when certificates hold.
//! In: the secrets file's `issuedAt` and the document's periods. Out: three instants, in range for X.509.

use std::time::Duration;

use time::OffsetDateTime;

use super::PkiError;

/// How far back certificates reach, for machines whose clocks are behind. kubeadm takes 5 minutes, but its
/// certificates are made on the machine.
const GRACE: Duration = Duration::from_hours(24);

/// The lives of authorities and leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    not_before: OffsetDateTime,
    ca_not_after: OffsetDateTime,
    not_after: OffsetDateTime,
}

impl Validity {
    /// Certificates that start 24 h before `issued_at` and end a period after it.
    ///
    /// # Errors
    /// [`PkiError::Period`].
    pub fn new(issued_at: OffsetDateTime, ca_period: Duration, period: Duration) -> Result<Self, PkiError> {
        let shift = |period: Duration, shifted: fn(OffsetDateTime, time::Duration) -> Option<OffsetDateTime>| {
            time::Duration::try_from(period)
                .ok()
                .and_then(|duration| shifted(issued_at, duration))
                .filter(|instant| (1950..=9999).contains(&instant.year()))
                .ok_or(PkiError::Period { seconds: period.as_secs(), issued_at })
        };
        Ok(Self {
            not_before: shift(GRACE, OffsetDateTime::checked_sub)?,
            ca_not_after: shift(ca_period, OffsetDateTime::checked_add)?,
            not_after: shift(period, OffsetDateTime::checked_add)?,
        })
    }

    /// Start of all certificates.
    pub const fn not_before(&self) -> OffsetDateTime {
        self.not_before
    }

    /// End of authorities that are derived; an imported one keeps its own.
    pub const fn ca_not_after(&self) -> OffsetDateTime {
        self.ca_not_after
    }

    /// End of leaves, unless their authority ends earlier.
    pub const fn not_after(&self) -> OffsetDateTime {
        self.not_after
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    #[test]
    fn counts_from_issued_at() {
        let issued_at = OffsetDateTime::from_unix_timestamp(1_795_252_440).unwrap();
        let validity = Validity::new(issued_at, 3 * HOUR, HOUR).unwrap();
        assert_eq!(validity.not_before().unix_timestamp(), 1_795_252_440 - 86_400);
        assert_eq!(validity.not_after().unix_timestamp(), 1_795_252_440 + 3_600);
        assert_eq!(validity.ca_not_after().unix_timestamp(), 1_795_252_440 + 10_800);
    }

    #[test]
    fn periods_out_of_range_are_errors() {
        let issued_at = OffsetDateTime::from_unix_timestamp(1_795_252_440).unwrap();
        for period in [Duration::MAX, Duration::from_hours(24 * 366 * 8000)] {
            assert!(matches!(Validity::new(issued_at, HOUR, period), Err(PkiError::Period { .. })));
        }
        let ancient = OffsetDateTime::from_unix_timestamp(-631_152_000).unwrap();
        assert!(matches!(Validity::new(ancient, HOUR, HOUR), Err(PkiError::Period { seconds: 86_400, .. })));
    }
}
