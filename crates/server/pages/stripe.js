// @ts-check
import { Unanswered } from './api.js';
import { language, make, text, the } from './elements.js';

/*
 * Stripe's Payment Element: Stripe shows the fields for a card in
 * frames of its own, so this page never sees one. Its script has to come from Stripe, and comes only when somebody
 * chooses to pay by card.
 */
const SCRIPT = 'https://js.stripe.com/v3/';
/** Of Stripe's API: the one that the server speaks. */
const API_VERSION = '2024-06-20';

/** @type {any} */
let stripe = null;
/** @type {{ secret: string, elements: any, element: any } | null} */
let mounted = null;

/** @returns {Promise<any>} what Stripe's script offers */
async function load() {
  const global = /** @type {any} */ (window);
  if (!global.Stripe) {
    const script = make('script', { src: SCRIPT });
    await new Promise((resolve, reject) => {
      script.addEventListener('load', resolve);
      script.addEventListener('error', reject);
      document.head.append(script);
    }).catch(() => script.remove());
  }
  if (!global.Stripe) throw new Unanswered(text('pay_unreachable'));
  return global.Stripe;
}

/** The colours of this page: Stripe's frames cannot see them. */
function appearance() {
  const style = getComputedStyle(document.documentElement);
  const property = (/** @type {string} */ name) => style.getPropertyValue(`--${name}`).trim();
  return {
    theme: matchMedia('(prefers-color-scheme: dark)').matches ? 'night' : 'stripe',
    variables: {
      colorPrimary: property('accent'), colorBackground: property('raised'), colorText: property('ink'),
      colorTextSecondary: property('faint'), colorDanger: property('alarm'), borderRadius: property('round'),
      fontFamily: 'system-ui, sans-serif',
    },
  };
}

/** Shows the fields for a card. @param {string} secret what the payment can be paid with */
export async function showFields(secret) {
  if (mounted?.secret === secret) return;
  hideFields();
  stripe ??= (await load())(document.documentElement.dataset.stripeKey, { apiVersion: API_VERSION, locale: language });
  const elements = stripe.elements({ clientSecret: secret, appearance: appearance(), locale: language });
  // Wallets need a permission that no page here has.
  const element = elements.create('payment', { wallets: { applePay: 'never', googlePay: 'never' } });
  mounted = { secret, elements, element };
  await new Promise((resolve, reject) => {
    element.on('ready', resolve);
    element.on('loaderror', reject);
    element.mount(the('order-stripe-fields'));
  }).catch(() => {
    hideFields();
    throw new Unanswered(text('pay_unreachable'));
  });
  element.focus();
}

export function hideFields() {
  mounted?.element.destroy();
  mounted = null;
}

/** Where Stripe sends back who had to confirm a payment elsewhere. */
const returnUrl = () => `${location.origin}/?lang=${language}`;

/** Pays. @returns {Promise<string>} what is wrong, in words; empty: the payment is on its way */
export async function payByCard() {
  if (!mounted) return text('pay_unreachable');
  const { error, paymentIntent } = await stripe.confirmPayment({
    elements: mounted.elements,
    confirmParams: { return_url: returnUrl() },
    redirect: 'if_required',
  });
  if (!error) return paymentIntent?.status === 'requires_payment_method' ? text('pay_refused') : '';
  // It was paid before, perhaps in another tab.
  if (['succeeded', 'processing'].includes(error.payment_intent?.status)) return '';
  if (error.code === 'payment_intent_authentication_failure') return text('pay_not_confirmed');
  if (error.type === 'card_error' && error.code === 'card_declined') return text('pay_refused');
  // What is wrong with the card, or with what was typed: Stripe says it in the language of the page.
  if (error.type === 'card_error' || error.type === 'validation_error') return error.message || text('pay_refused');
  // Whatever it was, the card may have been charged.
  return text('pay_unknown');
}

/**
 * Whether Stripe has sent the customer back here, and how that went. The address is then as it was before: it would
 * say so again after a reload.
 * @returns {'paid' | 'failed' | null}
 */
export function cameBack() {
  const query = new URLSearchParams(location.search);
  if (!query.has('payment_intent')) return null;
  const outcome = query.get('redirect_status') === 'failed' ? 'failed' : 'paid';
  for (const name of ['payment_intent', 'payment_intent_client_secret', 'redirect_status']) query.delete(name);
  history.replaceState(null, '', `${location.pathname}${query.size ? `?${query}` : ''}${location.hash}`);
  return outcome;
}
