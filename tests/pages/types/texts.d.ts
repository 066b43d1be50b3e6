/** The server makes `texts.js` from `texts/*.json` (crates/server/src/http/pages/language.rs). */
export const texts: Record<string, Record<string, string>>;
