use anyhow::Context;

/// How Redis's own programs are told where it is.
pub fn arguments(url: &str) -> anyhow::Result<[String; 6]> {
    let (password, rest) =
        url.strip_prefix("redis://:").and_then(|url| url.split_once('@')).context("REDIS_URL has no password")?;
    let (host, rest) = rest.split_once(':').context("REDIS_URL has no port")?;
    let port = rest.split('/').next().unwrap_or_default();
    Ok(["-h", host, "-p", port, "-a", password].map(str::to_owned))
}
