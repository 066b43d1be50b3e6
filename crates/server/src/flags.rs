//! Feature flags through the `OpenFeature` API (<https://openfeature.dev/specification>).

use std::{collections::HashMap, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use async_trait::async_trait;
use comanda_domain::{
    feature_flag::{FeatureFlag, FlagDefaults, Percentage},
    ports::{FeatureFlags, FlagSettings},
};
use metrics::{Counter, counter};
use open_feature::{
    Client, EvaluationContext, EvaluationDetails, EvaluationError, EvaluationErrorCode, EvaluationReason,
    EvaluationResult, Hook, HookContext, HookHints, OpenFeature, StructValue, Value,
    provider::{FeatureProvider, ProviderMetadata, ResolutionDetails},
};

/// How often the settings are read again. A change is in force everywhere within 5 s.
const LOOK: Duration = Duration::from_secs(1);

type Shares = HashMap<FeatureFlag, Percentage>;

/// Flags as they are set in the store, or were when it was last within reach.
pub struct OpenFeatureFlags {
    client: Client,
}

impl OpenFeatureFlags {
    /// Reads the settings once, and again and again from then on, within a tokio runtime.
    pub async fn start(settings: Arc<dyn FlagSettings>, defaults: FlagDefaults) -> Self {
        let shares: Arc<ArcSwap<Shares>> = Arc::default();
        read(&*settings, defaults, &shares).await;
        let mut api = OpenFeature::default();
        api.set_provider(Provider { metadata: ProviderMetadata::new("comanda"), shares: Arc::clone(&shares) }).await;
        let client = api.create_client().with_hook(Count::new());
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(LOOK).await;
                read(&*settings, defaults, &shares).await;
            }
        });
        Self { client }
    }
}

async fn read(settings: &dyn FlagSettings, defaults: FlagDefaults, shares: &ArcSwap<Shares>) {
    match settings.all().await {
        Ok(set) => {
            let mut now: Shares = FeatureFlag::ALL.into_iter().map(|flag| (flag, defaults.of(flag))).collect();
            now.extend(set);
            shares.store(Arc::new(now));
        }
        Err(error) => tracing::debug!(%error, "the settings of feature flags cannot be read; they stay as they were"),
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
    use comanda_domain::{Timestamp, account::Administrator, ports::Unavailable};

    use super::*;

    struct Set(Vec<(FeatureFlag, Percentage)>);

    #[async_trait]
    impl FlagSettings for Set {
        async fn all(&self) -> Result<Vec<(FeatureFlag, Percentage)>, Unavailable> {
            Ok(self.0.clone())
        }

        async fn set(&self, _: FeatureFlag, _: Percentage, _: Administrator, _: Timestamp) -> Result<(), Unavailable> {
            Err(Unavailable::new("not in this test"))
        }
    }

    #[tokio::test]
    async fn what_is_set_counts_and_the_rest_is_at_its_default() {
        let percentage = |n| Percentage::new(n).unwrap();
        let defaults = FlagDefaults { menu_cache: percentage(100), partial_invalidation: percentage(0) };
        let set = Set(vec![(FeatureFlag::PartialInvalidation, percentage(50))]);
        let flags = OpenFeatureFlags::start(Arc::new(set), defaults).await;
        assert!(flags.is_on(FeatureFlag::MenuCache, "1").await);
        for subject in ["a", "b", "c", "d", "e", "f", "g", "h"] {
            let expected = percentage(50).includes(FeatureFlag::PartialInvalidation, subject);
            assert_eq!(flags.is_on(FeatureFlag::PartialInvalidation, subject).await, expected);
        }
    }
}
