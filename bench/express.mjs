// The same app as in server.go, as people would write it with Express. The environment variables
// describe the docs and the user.
import crypto from 'node:crypto';
import cookieSession from 'cookie-session';
import express from 'express';
import * as jose from 'jose';
import jwt from 'jsonwebtoken';

const {ALGORITHM, KEY, DOCS_URL, SESSION_KEY, APP_USER} = process.env;
const user = JSON.parse(APP_USER);
const users = {[user.ID]: user};

// The claims of Mintlify's sample.
const mintlifyUser = ({Name: name, Email: email, Groups: groups, APIKeys}) => ({
	expiresAt: Math.floor(Date.now() / 1000) + 14 * 24 * 60 * 60,
	groups,
	content: {name, email},
	apiPlaygroundInputs: {header: {Authorization: `Bearer ${APIKeys[0].Key}`}},
});

const sign = (claims, key) =>
	new jose.SignJWT(claims).setProtectedHeader({alg: ALGORITHM, typ: 'JWT'}).setIssuedAt().setExpirationTime('10s').sign(key);

// All keys are prepared once. jsonwebtoken is much slower if the secret is a string.
const logins = {
	HS256: () => {
		const key = crypto.createSecretKey(Buffer.from(KEY));
		return ({Name: name, Email: email, APIKeys}, link) => {
			const keys = APIKeys.map(({Name, Key}) => ({name: Name, apiKey: Key}));
			const token = jwt.sign({name, email, apiKey: APIKeys[0].Key, keys, version: 1}, key, {expiresIn: '5m', jwtid: crypto.randomUUID()});
			return `${DOCS_URL}?auth_token=${token}&redirect=${encodeURIComponent(link)}`;
		};
	},
	EdDSA: async () => {
		const key = await jose.importPKCS8(KEY, ALGORITHM);
		const {host} = new URL(DOCS_URL);
		return async (user, link) =>
			`${DOCS_URL}/login/jwt-callback?redirect=${encodeURIComponent(link)}#${await sign({host, ...mintlifyUser(user)}, key)}`;
	},
	ES256: async () => {
		const key = await jose.importPKCS8(KEY, ALGORITHM);
		return async (user, link) => `${DOCS_URL}${link}#${await sign(mintlifyUser(user), key)}`;
	},
};
const login = await logins[ALGORITHM]();

const app = express();
app.use(cookieSession({name: 'session', keys: [SESSION_KEY], httpOnly: true, sameSite: 'lax', maxAge: 8 * 60 * 60 * 1000}));
app.post('/sign-in', (req, res) => {
	req.session.user = user.ID;
	res.end();
});
app.get('/docs-login', async (req, res) => {
	const user = users[req.session.user];
	if (!user) {
		res.redirect('/sign-in');
		return;
	}
	res.redirect(await login(user, req.query.redirect));
});

const server = app.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`));
process.stdin.resume().on('end', () => process.exit());
