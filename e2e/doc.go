// Package e2e tests docslogin against third-party programs. Node's JWT libraries verify the tokens,
// Node's URL parses the links, Chromium is the visitor's browser, and nginx is the proxy. See
// README.md for how to run the tests.
package e2e
