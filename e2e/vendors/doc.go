// Package vendors tests docslogin against packages that docs platforms publish. The tests show what
// the packages fill into requests and pages for a user, and which types they accept. The README of
// e2e says how to run the tests.
package vendors
