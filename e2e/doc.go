// Package e2e is only tests: docslogin against programs that its authors did not write.
// Node's JWT libraries judge the tokens, Node's URL judges the links, Chromium plays the
// visitor, and nginx stands in between. See README.md for how to run them.
package e2e
