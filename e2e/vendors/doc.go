// Package vendors tests docslogin against packages that docs platforms publish: what they fill into
// requests and pages for a user, and the types that they accept. See README.md of e2e for how to run
// the tests.
package vendors
