// The page of the API: Swagger UI over our own document.
const place = document.getElementById("api");

SwaggerUIBundle({
  domNode: place,
  url: place.dataset.document,
  deepLinking: true,
  // Not shown to anybody: the default asks a foreign host whether the document is valid.
  validatorUrl: null,
  // People who are signed in try things as themselves.
  requestInterceptor(request) {
    if (place.dataset.csrf && !request.headers.Authorization) {
      request.headers["X-CSRFToken"] = place.dataset.csrf;
    }
    return request;
  },
});
