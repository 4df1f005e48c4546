// Judges tokens and links as the docs do: with the libraries of the vendors' samples, and with the
// URL standard that browsers follow. It reads one JSON request per line from standard input, and
// writes one JSON answer for each.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import querystring from 'node:querystring';
import readline from 'node:readline';
import {RequestCookies} from '@edge-runtime/cookies';
import * as jose from 'jose';
import jwt from 'jsonwebtoken';
import {Cookie, CookieJar} from 'tough-cookie';

// verifiers return the token's claims, or throw.
const verifiers = {
	jsonwebtoken: ({token, key, alg, issuer, now}) => jwt.verify(token, key, {algorithms: [alg], issuer, clockTimestamp: now}),
	jose: async ({token, key, alg, issuer, now}) => {
		const verifyingKey = alg.startsWith('HS') ? new TextEncoder().encode(key) : await jose.importSPKI(key, alg);
		const options = {algorithms: [alg], issuer, currentDate: new Date(now * 1000), typ: 'JWT'};
		return (await jose.jwtVerify(token, verifyingKey, options)).payload;
	},
	// For the algorithm that jsonwebtoken does not know: Node's own cryptography, without a library.
	node: ({token, key, alg, now}) => {
		const [header, payload, signature] = token.split('.').map((part) => Buffer.from(part, 'base64url'));
		assert.deepEqual(JSON.parse(header), {alg, typ: 'JWT'});
		assert.equal(alg, 'EdDSA');
		const signed = token.slice(0, token.lastIndexOf('.'));
		if (!crypto.verify(null, Buffer.from(signed), key, signature)) throw new Error('invalid signature');
		const claims = JSON.parse(payload);
		if (claims.exp <= now) throw new Error('expired');
		return claims;
	},
};

// checkPlatform throws for what the libraries do not check: the claim for the docs' host, and a
// lifetime that the platform counts from iat.
function checkPlatform(claims, {hostClaim, host, takenFor, now}) {
	if (hostClaim && claims[hostClaim] !== host) throw new Error('meant for other docs');
	if (takenFor && !(Math.abs(now - claims.iat) < takenFor)) throw new Error('expired by its iat');
}

// samples sign the claims of the vendors' published samples for a docslogin user, without random
// claims.
const samples = {
	ReadMe: ({Name: name, Email: email, Attributes, APIKeys}, {key, iat}) => {
		// ReadMe's page also has "apiKey: {user, pass}", which the published code shows as "[object Object]".
		const credential = ({Key, Username, Password, Values}) => ({...(Key ? {apiKey: Key} : {user: Username, pass: Password}), ...Values});
		const claims = {name, email, ...Attributes, version: 1};
		if (APIKeys) Object.assign(claims, credential(APIKeys[0]));
		if (APIKeys?.length > 1) claims.keys = APIKeys.map((entry) => ({name: entry.Name, ...credential(entry)}));
		return jwt.sign({...claims, iat}, key);
	},
	Mintlify: async (user, {key, iat, host}) => new jose.SignJWT({host, ...mintlifyUser(user, iat)})
		.setProtectedHeader({alg: 'EdDSA'})
		.setExpirationTime(iat + 10)
		.sign(await jose.importPKCS8(key, 'EdDSA')),
	'Mintlify personalization': async (user, {key, iat}) => new jose.SignJWT(mintlifyUser(user, iat))
		.setProtectedHeader({alg: 'ES256'})
		.setExpirationTime(iat + 10)
		.sign(await jose.importPKCS8(key, 'ES256')),
	GitBook: ({Name: name, Email: email, Attributes}, {key, iat}) => jwt.sign({name, email, ...Attributes, iat}, key, {expiresIn: '1h'}),
	'GitBook adaptive': (user, request) => samples.GitBook(user, request),
	Fern: ({Name: name, Email: email, Groups: roles, APIKeys}, {key, iat}) => {
		const fern = {name, email, roles: roles ?? undefined};
		if (APIKeys) {
			const bearers = APIKeys.filter(({Key, Header}) => Key && !Header);
			const tokens = bearers.map(({Name, Key}) => ({[Name]: Key}));
			const basic = APIKeys.find(({Username, Password}) => Username || Password);
			const auth = {};
			if (tokens.length > 0) auth.bearer_token = tokens.length > 1 ? JSON.stringify(tokens) : bearers[0].Key;
			if (basic) auth.basic = {username: basic.Username, password: basic.Password};
			const headers = {};
			for (const {Key, Header, Values} of APIKeys) {
				if (Header) headers[Header] ??= Key;
				for (const [name, value] of Object.entries(Values ?? {})) headers[name] ??= value;
			}
			fern.playground = {initial_state: {auth, ...(Object.keys(headers).length > 0 && {headers})}};
		}
		return jwt.sign({fern, iat}, key, {issuer: 'https://buildwithfern.com', expiresIn: '1d'});
	},
	Zendesk: ({ID: external_id, Name: name, Email: email}, {key, iat}) => jwt.sign({iat, name, email, external_id}, key),
	'Help Scout': ({Email: sub}, {key, iat}) => jwt.sign({iat, exp: iat + 3600, sub}, key, {algorithm: 'HS512'}),
	DeveloperHub: ({Name: name, Email: email, Attributes}, {key, iat}) =>
		jwt.sign({version: 1, iat, exp: iat + 86400, vars: {name, email, ...Attributes}}, key),
	Canny: ({ID: id, Name: name, Email: email}, {key}) => jwt.sign({email, id, name}, key, {noTimestamp: true}),
	Featurebase: ({ID: userId, Name: name, Email: email}, {key, iat}) => jwt.sign({email, name, userId, iat}, key, {expiresIn: '10m'}),
	Metabase: ({Name, Email: email, Groups: groups, Attributes}, {key, iat}) => {
		const {first_name = Name, last_name} = Attributes ?? {};
		return jwt.sign({email, first_name, last_name, groups: groups ?? undefined, iat, exp: iat + 180}, key);
	},
	// The tokens of the vendor's sample expire after ten hours.
	Pylon: ({Email: email}, {key, iat}) =>
		jwt.sign({iat, email, iss: 'https://app.example.com/', aud: 'https://portal.usepylon.com'}, key, {algorithm: 'HS256', expiresIn: '5m'}),
	Kayako: ({Name: name, Email: email}, {key, iat}) => jwt.sign({iat, email, name}, key),
	UserVoice: ({ID: guid, Email: email, Name: display_name}, {key}) => jwt.sign({guid, email, display_name}, key, {algorithm: 'HS256', noTimestamp: true}),
};

function mintlifyUser({Name: name, Email: email, Attributes, Groups, APIKeys}, iat) {
	const twoWeeks = 1000 * 60 * 60 * 24 * 7 * 2;
	const claims = {
		expiresAt: Math.floor((iat * 1000 + twoWeeks) / 1000),
		content: {name, email, ...Attributes},
	};
	if (Groups) claims.groups = Groups;
	if (APIKeys) {
		const [header, server] = [{}, {}];
		for (const {Key, Header, Username, Password, Values} of APIKeys) {
			const basic = Buffer.from(`${Username}:${Password}`).toString('base64');
			if (Header) header[Header] ??= Key;
			else header.Authorization ??= Key ? `Bearer ${Key}` : `Basic ${basic}`;
			for (const [name, value] of Object.entries(Values ?? {})) server[name] ??= header[name] ??= value;
		}
		claims.apiPlaygroundInputs = {header, ...(Object.keys(server).length > 0 && {server})};
	}
	return claims;
}

const payloadOf = (token) => Buffer.from(token.split('.')[1], 'base64url').toString();

// stray returns how a link that the docs follow leaves its allowed origins or the path under which it
// must stay, or '' if it does not.
function stray(link, {origin, origins, base}) {
	const home = origin + '/';
	const once = new URL(link, home);
	const relative = link.startsWith('/');
	const readings = {
		'parsed once': once,
		'parsed again from its path': new URL(once.pathname, home),
		'parsed again from all behind its origin': new URL(once.pathname + once.search + once.hash, home),
		'decoded once more': new URL(querystring.unescape(once.pathname), home),
		'decoded whole': new URL(querystring.unescape(link), home),
	};
	if (relative) readings['appended to the origin'] = new URL(origin + link);
	for (const [how, url] of Object.entries(readings)) {
		if (!origins.includes(url.origin) || url.username || url.password) return `${how}: ${url.href}`;
		if (base && url.pathname !== base && !url.pathname.startsWith(base + '/')) return `${how}: ${url.href} is not under ${base}`;
	}
	return '';
}

const answers = {
	// token returns '' for each verifier that accepts the token, or its error, and the signed payload.
	async token(request) {
		const verdicts = {};
		for (const name of request.verifiers) {
			try {
				const claims = await verifiers[name](request);
				assert.deepEqual(claims, JSON.parse(payloadOf(request.token)));
				checkPlatform(claims, request);
				verdicts[name] = '';
			} catch (error) {
				verdicts[name] = error.message;
			}
		}
		return {verdicts, payload: payloadOf(request.token)};
	},
	// sample returns the payload that the vendor's sample signs.
	sample: async ({platform, user, ...request}) => ({payload: payloadOf(await samples[platform](user, request))}),
	// links returns the links that stray, with the reason.
	links: ({links, ...site}) => links.flatMap((link) => {
		let why;
		try {
			why = stray(link, site);
		} catch (error) {
			why = error.message;
		}
		return why ? [{link, why}] : [];
	}),
	// cookie returns the parts of a Set-Cookie header, and those of the URLs to which a client sends the
	// cookie, after a response of the URL setBy has set it.
	cookie({header, setBy, urls}) {
		const {key: name, value, domain, path, secure, httpOnly, sameSite, maxAge, expires} = Cookie.parse(header);
		const jar = new CookieJar();
		jar.setCookieSync(header, setBy);
		const sentTo = urls.filter((url) => jar.getCookieStringSync(url) === `${name}=${value}`);
		return {name, value, domain, path, secure, httpOnly, sameSite, maxAge, expires: expires.getTime() / 1000, sentTo};
	},
	// readCookie returns the value of a cookie as Next.js reads it, which GitBook's server uses, or null.
	readCookie: ({header, name}) => new RequestCookies(new Headers({cookie: header})).get(name)?.value ?? null,
	// urls returns each URL in its parts, as a browser parses it.
	urls: ({urls}) => urls.map((text) => {
		const url = new URL(text);
		return {
			href: url.href, origin: url.origin, path: url.pathname, hash: url.hash,
			query: [...url.searchParams],
		};
	}),
};

for await (const line of readline.createInterface({input: process.stdin})) {
	const {op, ...request} = JSON.parse(line);
	process.stdout.write(JSON.stringify(await answers[op](request)) + '\n');
}
