// @ts-check
// What Swagger UI begins with, in place of its own `swagger-initializer.js`.
(() => {
  const { SwaggerUIBundle, SwaggerUIStandalonePreset } = /** @type {any} */ (window);

  /** The token of a session by cookie, which every change has to carry. */
  function csrfToken() {
    const cookie = document.cookie.split('; ').find((cookie) => /^(__Host-)?csrf=/.test(cookie));
    return cookie?.slice(cookie.indexOf('=') + 1);
  }

  /**
   * Fills in the token. With an access token, none is needed.
   * @param {{ method?: string, headers: Record<string, string> }} request
   */
  function prove(request) {
    const token = csrfToken();
    const changes = !['GET', 'HEAD'].includes((request.method ?? 'GET').toUpperCase());
    const names = Object.keys(request.headers).map((name) => name.toLowerCase());
    if (token && changes && !names.includes('authorization') && !names.includes('x-csrf-token')) {
      request.headers['X-CSRF-Token'] = token;
    }
    return request;
  }

  /**
   * Who signs in on this page by `POST /v1/sessions` need not copy the access token.
   * @param {{ ok: boolean, url: string, body?: { access_token?: string } }} response
   */
  function signIn(response) {
    const token = response.body?.access_token;
    if (response.ok && token && new URL(response.url, location.href).pathname === '/v1/sessions') {
      page.preauthorizeApiKey('bearer', token);
    }
    return response;
  }

  const page = SwaggerUIBundle({
    url: '/openapi.json',
    dom_id: '#swagger-ui',
    deepLinking: true,
    tryItOutEnabled: true,
    presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset],
    layout: 'StandaloneLayout',
    requestInterceptor: prove,
    responseInterceptor: signIn,
  });
})();
