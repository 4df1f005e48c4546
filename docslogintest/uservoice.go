package docslogintest

import (
	"github.com/docslogin/docslogin/internal/rules"
	"github.com/docslogin/docslogin/platforms"
)

// NewUserVoice starts a portal that logs readers in as UserVoice does. A GET of any page takes the token in
// the query parameter sso. UserVoice sends no deep link, so a login leads to the home page. The session
// ends at the token's exp; UserVoice does not document whether its own does.
func NewUserVoice(opts ...Option) *Site { return start(userVoice(), opts) }

func userVoice() spec {
	return spec{
		label:  "UserVoice-like portal",
		layout: "tabs",
		hue:    205,
		rules:  rules.UserVoice(),
		preset: platforms.UserVoice,
		reader: userVoiceReader,
	}
}

func userVoiceReader(claims map[string]any) reader {
	return reader{Name: text(claims["display_name"]), Email: text(claims["email"]), Facts: facts(claims, "display_name", "email")}
}
