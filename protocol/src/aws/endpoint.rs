//! What a host says: whether it is AWS's, of which service, in which region, and where S3 puts a bucket into it.

/// What the host of a request says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint<'a> {
    /// Whether the name is one of AWS's. Where it is not, the signature alone tells the service.
    pub is_aws: bool,
    /// What stands before the region, without what belongs to a bucket or an account: `s3`, `monitoring`, `api.ecr`.
    pub prefix: &'a str,
    /// The region in the name.
    pub region: Option<&'a str>,
    /// Whether it is a FIPS endpoint.
    pub fips: bool,
    /// Whether it answers on IPv6 too.
    pub dual_stack: bool,
    /// How S3 was asked.
    pub style: Style<'a>,
}

/// Where a bucket is in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style<'a> {
    /// In the path, or there is none.
    Path,
    /// In the host.
    VirtualHost(&'a str),
    /// An access point in the host: its name and account.
    AccessPoint(&'a str, &'a str),
    /// An access point on an outpost: its name, account and outpost.
    OutpostAccessPoint(&'a str, &'a str, &'a str),
    /// An access point that is in many regions: its alias.
    MultiRegionAccessPoint(&'a str),
}

/// Domains of AWS's endpoints, the most common first.
const DOMAINS: [&str; 13] = [
    ".amazonaws.com",
    ".amazonaws.com.cn",
    ".api.amazonwebservices.com.cn",
    ".on.amazonwebservices.com.cn",
    ".api.aws",
    ".on.aws",
    ".c2s.ic.gov",
    ".sc2s.sgov.gov",
    ".api.cloud-aws.adc-e.uk",
    ".cloud.adc-e.uk",
    ".csp.hci.ic.gov",
    ".amazonaws.eu",
    ".api.amazonwebservices.eu",
];

/// Reads a host, with or without a port.
pub(super) fn parse(host: &str) -> Endpoint<'_> {
    let name = without_port(host);
    let Some((domain, labels)) = DOMAINS.iter().find_map(|domain| {
        let at = name.len().checked_sub(domain.len())?;
        let ending = name.get(at..)?;
        ending
            .eq_ignore_ascii_case(domain)
            .then(|| (*domain, &name[..at]))
    }) else {
        return Endpoint {
            is_aws: false,
            prefix: "",
            region: None,
            fips: false,
            dual_stack: false,
            style: localhost(name),
        };
    };
    let mut endpoint = Endpoint {
        is_aws: true,
        prefix: labels,
        region: None,
        fips: labels.split('.').any(is_fips),
        dual_stack: domain.starts_with(".api.")
            || labels.split('.').any(|label| label == "dualstack"),
        style: Style::Path,
    };
    take_region(&mut endpoint);
    for word in [".dualstack", ".fips", "-fips"] {
        endpoint.prefix = endpoint
            .prefix
            .strip_suffix(word)
            .unwrap_or(endpoint.prefix);
    }
    endpoint.prefix = endpoint
        .prefix
        .strip_prefix("fips.")
        .unwrap_or(endpoint.prefix);
    endpoint.prefix = endpoint
        .prefix
        .strip_prefix("fips-")
        .unwrap_or(endpoint.prefix);
    s3(&mut endpoint);
    endpoint
}

fn is_fips(label: &str) -> bool {
    label.starts_with("fips") || label.ends_with("-fips")
}

/// Names below `localhost` are how SDKs ask a local S3 for a bucket.
fn localhost(name: &str) -> Style<'_> {
    match name.strip_suffix(".localhost") {
        Some(bucket) if !bucket.starts_with("s3.") && bucket != "s3" => Style::VirtualHost(bucket),
        _ => Style::Path,
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// The region is the last label, or behind the last dash of S3's old names.
fn take_region(endpoint: &mut Endpoint<'_>) {
    let labels = endpoint.prefix;
    let (before, last) = labels.rsplit_once('.').unwrap_or(("", labels));
    if is_region(last) {
        endpoint.region = Some(last);
        endpoint.prefix = before;
        return;
    }
    if let Some(region) = last.strip_prefix("s3-").filter(|rest| is_region(rest)) {
        endpoint.region = Some(region);
        endpoint.prefix = &labels[..labels.len() - region.len() - 1];
    }
    // OpenSearch domains and some others: `x.REGION.es`.
    if let Some((_, region)) = before
        .rsplit_once('.')
        .filter(|(_, label)| is_region(label))
    {
        endpoint.region = Some(region);
    } else if is_region(before) {
        endpoint.region = Some(before);
    }
}

/// `eu-west-1`, `us-gov-east-1`, `us-iso-east-1`.
fn is_region(label: &str) -> bool {
    let bytes = label.as_bytes();
    let Some((last, before)) = bytes.split_last() else {
        return false;
    };
    if !last.is_ascii_digit() {
        return false;
    }
    let area = before.iter().take_while(|byte| byte.is_ascii_lowercase());
    let dashes = before.iter().filter(|byte| **byte == b'-');
    let is_name = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-';
    (2..=4).contains(&area.count())
        && (2..=4).contains(&dashes.count())
        && before.iter().all(is_name)
        && before.last() == Some(&b'-')
}

/// Splits off what S3 has before its own name.
fn s3(endpoint: &mut Endpoint<'_>) {
    let labels = endpoint.prefix;
    let (before, own) = labels.rsplit_once('.').unwrap_or(("", labels));
    if own == "s3-global" && before.ends_with(".accesspoint") {
        let alias = &before[..before.len() - ".accesspoint".len()];
        endpoint.prefix = "s3";
        endpoint.style = Style::MultiRegionAccessPoint(alias);
        return;
    }
    let is_s3 = own == "s3"
        || own == "s3-accelerate"
        || own == "s3-fips"
        || own == "s3-external-1"
        || own.starts_with("s3express-") && own != "s3express-control";
    if is_s3 {
        endpoint.prefix = "s3";
        if !before.is_empty() {
            endpoint.style = Style::VirtualHost(before);
        }
        return;
    }
    match own {
        "s3-accesspoint" | "s3-accesspoint-fips" | "s3-object-lambda" | "s3-object-lambda-fips" => {
            if let Some((name, account)) = access_point(before) {
                endpoint.prefix = "s3";
                endpoint.style = Style::AccessPoint(name, account);
            } else {
                endpoint.prefix = own;
            }
        }
        "s3-outposts" => {
            let found = before
                .rsplit_once('.')
                .and_then(|(point, outpost)| Some((access_point(point)?, outpost)));
            if let Some(((name, account), outpost)) = found {
                endpoint.prefix = "s3";
                endpoint.style = Style::OutpostAccessPoint(name, account, outpost);
            } else {
                endpoint.prefix = own;
            }
        }
        // The account stands before it.
        "s3-control" | "s3express-control" | "s3-control-fips" => endpoint.prefix = "s3-control",
        _ => {}
    }
}

/// `NAME-ACCOUNT`.
fn access_point(label: &str) -> Option<(&str, &str)> {
    let (name, account) = label.rsplit_once('-')?;
    let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    (is_account && !name.is_empty()).then_some((name, account))
}

/// The partition of a region, for ARNs.
pub(super) fn partition(region: Option<&str>) -> &'static str {
    const PARTITIONS: [(&str, &str); 7] = [
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("us-isob-", "aws-iso-b"),
        ("us-isof-", "aws-iso-f"),
        ("us-iso-", "aws-iso"),
        ("eu-isoe-", "aws-iso-e"),
        ("eusc-", "aws-eusc"),
    ];
    let region = region.unwrap_or_default();
    PARTITIONS
        .iter()
        .find(|(beginning, _)| region.starts_with(beginning))
        .map_or("aws", |(_, partition)| partition)
}
