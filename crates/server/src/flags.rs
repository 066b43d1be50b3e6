//! Feature flags through the `OpenFeature` API (<https://openfeature.dev/specification>).

use std::{collections::HashMap, sync::Arc};

use arc_swap::ArcSwap;
use async_trait::async_trait;
use comanda_domain::{
    FeatureFlag, FlagDefaults, Percentage,
    ports::{FeatureFlags, FlagSettings, Unavailable},
};
use metrics::{Counter, counter};
use open_feature::{
    Client, EvaluationContext, EvaluationDetails, EvaluationError, EvaluationErrorCode, EvaluationReason,
    EvaluationResult, Hook, HookContext, HookHints, OpenFeature, StructValue, Value,
    provider::{FeatureProvider, ProviderMetadata, ResolutionDetails},
};

type Shares = HashMap<FeatureFlag, Percentage>;

/// Flags as they were set when they were last read.
pub struct OpenFeatureFlags {
    client: Client,
    settings: Arc<dyn FlagSettings>,
    defaults: FlagDefaults,
    shares: Arc<ArcSwap<Shares>>,
}

impl OpenFeatureFlags {
    /// Every flag is off until [`OpenFeatureFlags::reload`] has succeeded once.
    pub async fn new(settings: Arc<dyn FlagSettings>, defaults: FlagDefaults) -> Self {
        let shares: Arc<ArcSwap<Shares>> = Arc::default();
        let mut api = OpenFeature::default();
        api.set_provider(Provider { metadata: ProviderMetadata::new("comanda"), shares: Arc::clone(&shares) }).await;
        let client = api.create_client().with_hook(Count::new());
        Self { client, settings, defaults, shares }
    }

    /// Reads the settings. If they cannot be read, flags stay as they were.
    pub async fn reload(&self) -> Result<(), Unavailable> {
        let set = self.settings.all().await?;
        let mut shares: Shares = FeatureFlag::ALL.into_iter().map(|flag| (flag, self.defaults.of(flag))).collect();
        shares.extend(set);
        self.shares.store(Arc::new(shares));
        Ok(())
    }
}

#[async_trait]
impl FeatureFlags for OpenFeatureFlags {
    async fn is_on(&self, flag: FeatureFlag, subject: &str) -> bool {
        let context = EvaluationContext::default().with_targeting_key(subject);
        // The provider knows every flag there is; off is the answer that changes nothing.
        self.client.get_bool_value(flag.as_str(), Some(&context), None).await.unwrap_or(false)
    }
}

/// Resolves a flag to the share of subjects it is on for.
struct Provider {
    metadata: ProviderMetadata,
    shares: Arc<ArcSwap<Shares>>,
}

fn unknown<T>() -> EvaluationResult<T> {
    Err(EvaluationError { code: EvaluationErrorCode::FlagNotFound, message: None })
}

fn only_booleans<T>() -> EvaluationResult<T> {
    Err(EvaluationError { code: EvaluationErrorCode::TypeMismatch, message: None })
}

#[async_trait]
impl FeatureProvider for Provider {
    fn metadata(&self) -> &ProviderMetadata {
        &self.metadata
    }

    async fn resolve_bool_value(
        &self,
        flag_key: &str,
        context: &EvaluationContext,
    ) -> EvaluationResult<ResolutionDetails<bool>> {
        let Ok(flag) = flag_key.parse::<FeatureFlag>() else { return unknown() };
        let Some(share) = self.shares.load().get(&flag).copied() else { return unknown() };
        let subject = context.targeting_key.as_deref().unwrap_or_default();
        let mut details = ResolutionDetails::new(share.includes(flag, subject));
        details.reason = Some(EvaluationReason::Split);
        Ok(details)
    }

    async fn resolve_int_value(&self, _: &str, _: &EvaluationContext) -> EvaluationResult<ResolutionDetails<i64>> {
        only_booleans()
    }

    async fn resolve_float_value(&self, _: &str, _: &EvaluationContext) -> EvaluationResult<ResolutionDetails<f64>> {
        only_booleans()
    }

    async fn resolve_string_value(
        &self,
        _: &str,
        _: &EvaluationContext,
    ) -> EvaluationResult<ResolutionDetails<String>> {
        only_booleans()
    }

    async fn resolve_struct_value(
        &self,
        _: &str,
        _: &EvaluationContext,
    ) -> EvaluationResult<ResolutionDetails<StructValue>> {
        only_booleans()
    }
}

/// Counts every evaluation, by flag and outcome.
struct Count(HashMap<(FeatureFlag, bool), Counter>);

impl Count {
    fn new() -> Self {
        let counter = |flag: FeatureFlag, on: bool| {
            let outcome = if on { "true" } else { "false" };
            counter!("comanda_flag_evaluations_total", "flag" => flag.as_str(), "on" => outcome)
        };
        let outcomes = FeatureFlag::ALL.into_iter().flat_map(|flag| [(flag, false), (flag, true)]);
        Self(outcomes.map(|(flag, on)| ((flag, on), counter(flag, on))).collect())
    }
}

#[async_trait]
impl Hook for Count {
    async fn before<'a>(
        &self,
        _: &HookContext<'a>,
        _: Option<&'a HookHints>,
    ) -> Result<Option<EvaluationContext>, EvaluationError> {
        Ok(None)
    }

    async fn after<'a>(
        &self,
        context: &HookContext<'a>,
        details: &EvaluationDetails<Value>,
        _: Option<&'a HookHints>,
    ) -> Result<(), EvaluationError> {
        if let Ok(flag) = context.flag_key.parse::<FeatureFlag>()
            && let Some(counter) = self.0.get(&(flag, matches!(details.value, Value::Bool(true))))
        {
            counter.increment(1);
        }
        Ok(())
    }

    async fn error<'a>(&self, context: &HookContext<'a>, error: &EvaluationError, _: Option<&'a HookHints>) {
        tracing::warn!(flag = context.flag_key, ?error, "a feature flag could not be evaluated; it counts as off");
    }

    async fn finally<'a>(&self, _: &HookContext<'a>, _: &EvaluationDetails<Value>, _: Option<&'a HookHints>) {}
}

#[cfg(test)]
mod tests {
    use comanda_domain::{Administrator, Timestamp};

    use super::*;

    struct Set(Vec<(FeatureFlag, Percentage)>);

    #[async_trait]
    impl FlagSettings for Set {
        async fn all(&self) -> Result<Vec<(FeatureFlag, Percentage)>, Unavailable> {
            Ok(self.0.clone())
        }

        async fn set(
            &self,
            _: FeatureFlag,
            _: Percentage,
            _: Option<Administrator>,
            _: Timestamp,
        ) -> Result<(), Unavailable> {
            Err(Unavailable::new("not in this test"))
        }
    }

    #[tokio::test]
    async fn what_is_set_counts_and_the_rest_is_at_its_default() {
        let percentage = |n| Percentage::new(n).unwrap();
        let defaults = FlagDefaults { menu_cache: percentage(100), partial_invalidation: percentage(0) };
        let set = Set(vec![(FeatureFlag::PartialInvalidation, percentage(50))]);
        let flags = OpenFeatureFlags::new(Arc::new(set), defaults).await;
        flags.reload().await.unwrap();
        assert!(flags.is_on(FeatureFlag::MenuCache, "1").await);
        for subject in ["a", "b", "c", "d", "e", "f", "g", "h"] {
            let expected = percentage(50).includes(FeatureFlag::PartialInvalidation, subject);
            assert_eq!(flags.is_on(FeatureFlag::PartialInvalidation, subject).await, expected);
        }
    }
}
