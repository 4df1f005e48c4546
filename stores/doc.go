// Package stores is only tests: docslogin over gorilla session stores whose sessions are in
// a real Redis and a real PostgreSQL, which are killed, stopped and emptied meanwhile. See
// README.md for how to run them, and limits_test.go for how to open such stores.
package stores
