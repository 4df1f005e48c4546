package keys

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// shape describes a text that people pass by mistake instead of a key.
type shape struct {
	matches    func(string) bool
	looks, fix string // for errors: "looks like …; …"
}

// shapes are narrow enough that none of 10 million random secrets matches. For comparison, one in
// 9,000 random ASCII secrets begins with "./", and one in 250 begins with capital letters and "=".
// One in 64 random base64 secrets begins with "/".
var shapes = []shape{
	{isObject, "a JSON object", "pass only the value that is needed, not the whole object"},
	{nothing.MatchString, "what a program prints for a missing value", "check where the value comes from"},
	{example.MatchString, "an example that was not replaced", "set it to the one that the docs' dashboard shows"},
	{encrypted.MatchString, "a ciphertext", "decrypt it first"},
	{reference.MatchString, "a reference to a secret", "pass the secret that it refers to"},
	{url.MatchString, "a URL", "check the order of the arguments"},
	{path.MatchString, "a file path", "pass the content of the file"},
	{placeholder.MatchString, "a placeholder that was not expanded", "pass the value that it stands for"},
	{setting.MatchString, "an expression in a configuration file", "pass its value"},
	{code.MatchString, "code that reads an environment variable", "pass the variable's value"},
	{variable.MatchString, "the name of an environment variable", "pass the variable's value"},
	{assignment.MatchString, "a whole line of an env file", "pass the value alone, without the name"},
	{isMasked, "a masked value, as dashboards show it", "reveal it before you copy it"},
	{printed.MatchString, "a value as a program prints it", "pass its text, such as string(value) in Go"},
	{failure.MatchString, "an error message", "check the command that should print the value"},
	{command.MatchString, "a command", "pass what it prints"},
	{token.MatchString, "a token (JWT), not the key that signs tokens", "set it to the one that the docs' dashboard shows"},
	{bearer.MatchString, "an Authorization header", "set it to the secret that the docs' dashboard shows"},
	{address.MatchString, "an e-mail address", "check the order of the arguments"},
	{element.MatchString, "HTML or XML", "check what wrote it, or pass the text in the element"},
	{commented.MatchString, "a value with a comment after it", "remove the comment"},
	{escapedEnd.MatchString, "a value with an encoded newline after it", "remove the newline"},
	{listed.MatchString, "a value with quotes and a comma or semicolon around it", "pass what is between the quotes"},
	{escapedQuotes.MatchString, "a value with escaped quotes around it", "pass what is between the quotes"},
}

// Parts of the patterns.
const (
	segment = `(?:[a-z0-9 ._-]+|[A-Z][a-z0-9 ._-]+|[A-Z0-9 ._-]+)`                         // a part of a path
	name    = `(?:[a-z0-9_]+(?:[A-Z][a-z0-9_]+)*|[A-Z0-9_]+)`                              // name, camelName, NAME
	names   = `[~./]*` + name + `(?:[.:/-]` + name + `)*`                                  // names or a path
	upper   = `[A-Z]+(?:_[A-Z0-9]+)*`                                                      // NAME
	keyName = `(?:[A-Z][A-Z0-9_]*_)?(?:SECRET|TOKEN|PASSWORD)|[A-Z][A-Z0-9_]*_(?:KEY|JWT)` // the name of a key
	thing   = `(?:secret|key|token|password|jwt|value|here)`                               // a word in examples
	assign  = `(?:\s*=[\s=]*|:\s+)`                                                        // between name and value
)

var (
	url = regexp.MustCompile(`^(?:(?i:https?|op)(?:://|%3A%2F%2F)\S+|localhost:\d+(?:/\S*)?|[a-z]{3,}://[A-Za-z0-9/][\w.~:/?#@%&=+-]{2,})$`)

	// Secret managers and the formats that refer to them.
	reference = regexp.MustCompile(`^(?:` +
		`(?:op|vault|awssm|sm|gcpsm|akv|keyvault|ref\+[a-z0-9]+)://\S+` +
		`|(?:vault|ssm|secretsmanager|sops|doppler|infisical|keyvault|bws):[\w.@#:-]*/[\w./@#:-]+` +
		`|env:[A-Z_]+|file:[./~][\w./@ -]+|@/(?:run|etc|var|home|tmp)/[\w./@ -]+` +
		`|projects/[\w:.-]+/secrets/[\w-]+(?:/versions/\w+)?` + // Google Cloud
		`|(?:secretref|keyvaultref):.*|@secret:\S+|@[a-z]+(?:-[a-z]+)+` + // Azure, Vercel
		`|arn:aws[a-z-]*:\S+` + // AWS
		`|@Microsoft\.KeyVault\(.*` + // Azure
		`|!(?:Ref|Sub|GetAtt|ImportValue|vault|secret|env|ENV|env_var|include)(?:\s.*)?` + // tags of YAML
		`|secretKeyRef\b.*|valueFrom\b.*` + // Kubernetes
		`)$`)

	path = regexp.MustCompile(`^(?:` +
		`/(?:app|builds|dev|etc|mnt|opt|run|srv|tmp|usr|var)/[a-z]{3}[\w./@+ -]*` +
		`|(?:\$\{[A-Z]+_[A-Z_]+\}|\$[A-Z]{4,}_[A-Z_]{4,}|%[dtSChs])(?:/(?:[a-z0-9_.-]+|[A-Z0-9_.-]+))+` + // of systemd and CI systems
		`|/(?:config|data|home|keys|private|root|secrets|Users|vault|Volumes|workspaces?|bindings)/[\w./@+ -]+` +
		`|(?:\.\.?|~)(?:/` + segment + `)+` +
		`|[A-Za-z]:(?:\\` + segment + `)+` +
		`|[A-Z]:(?:/` + segment + `){2,}` +
		`|\\\\` + segment + `(?:\\` + segment + `)+` +
		`|[\w.~/\\: -]+\.pem|[\w.~: -]*[/\\][\w.~/\\: -]*\.(?:key|txt|env|json|yaml|yml)` +
		`)$`)

	placeholder = regexp.MustCompile(`(?s)^(?:` +
		`[\\$]?\$\{` + names + `(?::[-?+].*)?\}|\$\{[A-Z_]{4,}[-?+].*\}` + // ${NAME}, ${NAME:-default}, and escaped
		`|\$\{(?:ssm|s3|file|cf|opt|param)[:(].*\}` + // Serverless
		`|\$\((?:<?` + names + `|.*\s.*)\)` + // $(NAME), $(</run/secrets/name), $(cat name)
		"|`[a-z]+ .*`" + // `cat name`
		`|[\\$]?\$(?:env:|Env:)?` + upper + // $NAME
		`|\$[a-z]+(?:_[a-z]+)+` + // $name_of_it
		`|%{1,2}` + upper + `%{1,2}` + // %NAME%
		`|%\(` + name + `\)s|%\{` + name + `\}` + // Python, Ruby
		`|\$?\{\{(?:[\w./:#-]+|.*\s.*)\}\}` + // {{.Name}}, ${{ secrets.NAME }}
		`|\{%-?\s.*%\}|<%[=-]?\s.*%>` +
		`|#\{(?:` + names + `|(?:[A-Z][a-z]+)+(?:\.(?:[A-Z][a-z]+)+)*|ENV.*)\}#?` + // Octopus, Ruby
		`|\{[A-Z]+(?:_[A-Z0-9]+)+\}|\[[A-Z]+(?:[_ -][A-Z0-9]+)+\]` + // {NAME_X}, [NAME_X]
		`|\(\([\w.:/-]+\)\)|\[\[[\w.]+\]\]` + // Concourse and others
		`|__[A-Z]+(?:_[A-Z0-9]+)*__|@@?[A-Z]+(?:_[A-Z0-9]+)+@@?` +
		`)$`)

	code = regexp.MustCompile(`^(?:process\.env|import\.meta\.env|Deno\.env|os\.(?:environ|getenv|Getenv)|System\.getenv|getenv\(|ENV\[["']|env\(["'])[\[.("'\w].*$`)

	setting = regexp.MustCompile(`^(?:(?:env|secrets|vars)\.[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|(?:var|local|module|data)\.[a-z0-9_]+(?:\.[a-z0-9_]+)*)$`)

	variable = regexp.MustCompile(`^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*_(?:SECRET|TOKEN|PASSWORD|KEY|JWT)$`)

	// Base64 may end in "=", so the patterns require a value.
	assignment = regexp.MustCompile(`^(?:-e\s+|--env[= ]|-\s+|export\s+|set\s+|\$env:)?(?:` +
		`(?:` + keyName + `|[A-Z]{4,}_[A-Z_]{5,})` + assign + `[^\s=]` +
		`|[A-Z]{2,}_[A-Z0-9_]+` + assign + `["']?[\w+/.:-]{16,}=*["']?$` +
		`|"?(?:[a-z]+[_-])*(?:secret|token|password|[a-z]+[_-]key)"?\s*(?:=\s*[^\s=]+|:\s+\S+)$` + // my_secret=…, my-secret: …
		`|[a-z]{2,}(?:[A-Z][a-z]+)*(?:Secret|Token|Password|Key)\s*(?:=\s*["'][^"']+["'];?|=\s*[\w+/.:-]+=*|:\s+\S+)$` + // mySecret=…
		`|(?i:[a-z]+[ _-])*(?i:secret|token|key):\s+\S{16,}$` + // JWT secret: …
		`|(?:setx|ENV)\s+[A-Z][A-Z0-9_]+\s+\S+$` + // Windows, Dockerfile
		`|export\s+[A-Za-z_][A-Za-z0-9_]*=\S+$` +
		`|--(?:[a-z]+-)*(?:secret|token|key)[= ]\S+$` + // an argument of a command
		`)`)

	encrypted = regexp.MustCompile(`(?s)^(?:vault:v\d+:.*|ENC\[[A-Z0-9_]+,.*|ENC\([\w+/=]+\)|(?:enc|encrypted):v?\d+:.*|encrypted:B[\w+/]{80,}={0,2}|\$ANSIBLE_VAULT;.*|\{cipher\}.*|AGE-SECRET-KEY-.*|U2FsdGVkX1[\w+/=]+|gAAAAA[\w-]{94,}={0,2}|AQICAH[\w+/]{100,}={0,2})$`) // the last: openssl enc, Fernet, and AWS KMS

	// Examples of documentation.
	example = regexp.MustCompile(`^(?:` +
		`(?i:(?:(?:insert|enter|paste|put|replace[-_ ]with|replace)[-_ ](?:your|the|this|me)|your)(?:[-_ ][a-z0-9]+)*[-_ ]` + thing + `(?:[-_ ][a-z]+)*)` +
		`|(?i:(?:change|replace)[-_ ]?(?:me|this|it)(?:[-_ ]?(?:please|now|before|in|production|prod|a|to|with|random|string|` + thing + `))*)[\d!.]*` +
		`|<[a-z0-9]+(?:[ _-][a-z0-9]+)*>|<[A-Z0-9]+(?:[ _-][A-Z0-9]+)*>|<(?i:your|insert|enter|paste|replace|put|add)\b[^<>]*>` +
		`|\[(?i:your|insert|enter|paste|replace|put|add)\b[^\[\]]*\]` +
		`|your[A-Z][a-z]+(?:[A-Z][A-Za-z]+)*|(?i:your[a-z]*(?:secret|token|password|key))` +
		`)$`)

	nothing = regexp.MustCompile(`^(?:undefined|null|nil|none|None|NULL|NaN|\(null\)|<nil>|<null>|<no value>|\[object \w+\]|%![a-zA-Z]\((?:<nil>|[A-Z]+|[\w.*]+=.*)\)|(?i:[\[<(]?(?:not set|unset|none|n/a|redacted|sensitive(?: value)?|known after apply)[\])>]?))$`)

	// Values of Go, Node.js, Python, and .NET.
	printed = regexp.MustCompile(`^(?:\[\d+(?:[ ,]+\d+){7,}\]|\[\](?:byte|uint8|string)\{.*|<Buffer [0-9a-f ]+(?:\.\.\..*)?>|b'[\w+/=.-]{16,}'|System\.[A-Z]\w+(?:[.\[].*)?|map\[\w+:.*\])$`)

	// Commands that make or print secrets, which people copy from instructions.
	command = regexp.MustCompile(`^(?:(?:openssl rand|op read|vault (?:kv|read)|aws (?:secretsmanager|ssm)|gcloud secrets|kubectl get|head -c|python3? -c|node -e)\b.*|(?:cat|echo|base64) [-</"'$|].*)$`)

	failure = regexp.MustCompile(`^(?:(?i:error|fatal|usage): .*|.*: (?:No such file or directory|command not found|[Pp]ermission denied|not found))$`)

	token         = regexp.MustCompile(`^(?i:bearer\s+)?eyJ[\w-]+\.(?:eyJ[\w-]+\.[\w-]*|[\w-]*(?:\.[\w-]+){3})$`)
	bearer        = regexp.MustCompile(`^(?i:authorization:\s+.*|bearer\s+\S{16,})$`)
	address       = regexp.MustCompile(`^[\w.+-]+@[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:com|io|dev|net|org|app)$`)
	element       = regexp.MustCompile(`(?s)^(?:<([A-Za-z]{3,})>[^<>]*</[A-Za-z]{3,}>|<(?i:!doctype|html)\b.*)$`)
	commented     = regexp.MustCompile(`^["']?[\w+/=.-]{16,}["']?\s+(?:#|//)\s*[A-Za-z][\w ,.'-]*$`)
	escapedEnd    = regexp.MustCompile(`^[\w+/=.-]{16,}(?:(?:&#(?:1[03]|x[AaDd]);)+|<br ?/?>)$`)
	listed        = regexp.MustCompile(`^(?:"[\w+/=-]{16,}"|'[\w+/=-]{16,}')[,;]$`)
	escapedQuotes = regexp.MustCompile(`^\\+["'][\w+/=.-]{12,}\\+["']$`)
)

// object matches an object of JavaScript or a hash of Ruby with one member, and a JSON object whose quotes
// a shell removed.
var object = regexp.MustCompile(`^\{\s*["']?\w+["']?\s*(?::|=>)\s*["'][^"']*["'],?\s*\}$|^\{[A-Z][A-Z0-9_]{4,}: ?[^{}]+\}$`)

// isObject reports whether a text is a JSON object, as it is or in base64, or an object of JavaScript
// or Ruby.
func isObject(text string) bool {
	if decoded, ok := decodeBase64(text); ok && strings.HasPrefix(decoded, "{") && json.Valid([]byte(decoded)) {
		return true
	}
	return strings.HasPrefix(text, "{") && (json.Valid([]byte(text)) || object.MatchString(text))
}

// manyX matches the placeholder of an ID, such as xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx.
var manyX = regexp.MustCompile(`x{8}|X{8}|(?:[xX]{4,}[-_ ]){2}`)

// isMasked reports whether a part of a text is masked.
func isMasked(text string) bool {
	return strings.ContainsAny(text, "•●…") || strings.Contains(text, "******") ||
		text != "" && strings.Trim(text, "*. \r\n") == "" || manyX.MatchString(text) && !repeats(text)
}

// IsPlaceholder reports whether a text is a placeholder that nothing expanded, such as ${NAME}.
func IsPlaceholder(text string) bool { return placeholder.MatchString(text) }

// looksLike returns the first shape that matches a text, if any.
func looksLike(text string) (shape, bool) {
	i := slices.IndexFunc(shapes, func(s shape) bool { return s.matches(text) })
	if i < 0 {
		return shape{}, false
	}
	return shapes[i], true
}

// repeats reports whether a text is one repeated character.
func repeats(text string) bool {
	_, size := utf8.DecodeRuneInString(text)
	return strings.Count(text, text[:size])*size == len(text)
}

// spaced matches base64, for URLs or not, with white space in it. words matches the same characters
// without white space if they are words.
var (
	spaced = regexp.MustCompile(`^[\w+/-]+(?:={0,2}\s+[\w+/-]+)+\s*={0,2}$`)
	words  = regexp.MustCompile(`^` + word + `(?:[+/_-]+` + word + `)*$`)
)

const word = `(?:[A-Za-z][a-z]+(?:[A-Z][a-z]+)*[0-9]*|[A-Z]{2,}[0-9]*)`

// inPieces reports whether a text is base64 with white space in it, and not a passphrase. At least half
// of a passphrase consists of words.
func inPieces(text string) bool {
	if !spaced.MatchString(text) {
		return false
	}
	all, inWords := 0, 0
	for piece := range strings.FieldsSeq(text) {
		all += len(piece)
		if words.MatchString(piece) {
			inWords += len(piece)
		}
	}
	return 2*inWords < all
}

// invisible reports whether a character cannot be seen. An ASCII space does not count. The tables
// have the characters that Unicode does not display by default (UAX #44,
// Default_Ignorable_Code_Point). The three others are blank by design.
func invisible(r rune) bool {
	return !unicode.IsPrint(r) || unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) ||
		strings.ContainsRune("\u2800\U00016FE4\U0001D159", r)
}
