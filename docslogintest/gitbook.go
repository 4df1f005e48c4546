package docslogintest

import (
	"github.com/docslogin/docslogin/internal/rules"
	"github.com/docslogin/docslogin/platforms"
)

// NewGitBook starts a docs site that logs readers in as GitBook does. A GET of any page takes the
// token in the query parameter jwt_token, and redirects to the same page without it. The site
// rejects parameters that GitBook would misread: access_token, which would replace the token, and
// visitor.…, which are unsigned claims. The docs session ends at the token's exp.
func NewGitBook(opts ...Option) *Site { return start(gitBook(), opts) }

func gitBook() spec {
	return spec{
		label:    "GitBook-like docs",
		layout:   "bar",
		hue:      40,
		rules:    rules.GitBook(),
		deepLink: fromBase,
		preset:   platforms.GitBook,
		reader:   personReader,
	}
}
