// Judges tokens and links as the docs' side would: with the libraries that the vendors'
// samples and verifiers are written with, and with the URL standard that browsers follow.
// One JSON request on each line of the standard input, one JSON answer for each.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import querystring from 'node:querystring';
import readline from 'node:readline';
import * as jose from 'jose';
import jwt from 'jsonwebtoken';

// verifiers return the token's claims, or throw.
const verifiers = {
	jsonwebtoken: ({token, key, alg, now}) => jwt.verify(token, key, {algorithms: [alg], clockTimestamp: now}),
	jose: async ({token, key, alg, now}) => {
		const verifyingKey = alg.startsWith('HS') ? new TextEncoder().encode(key) : await jose.importSPKI(key, alg);
		const options = {algorithms: [alg], currentDate: new Date(now * 1000), typ: 'JWT'};
		return (await jose.jwtVerify(token, verifyingKey, options)).payload;
	},
	// For the algorithm that jsonwebtoken does not have: Node's own cryptography, and the clock by hand.
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

// samples sign, for a user of docslogin's, what the vendors' published samples would.
const samples = {
	ReadMe: ({user, key, now}) => {
		const {Name: name, Email: email, Attributes, APIKeys} = user;
		const credential = ({Key, Username, Password}) => (Key ? {apiKey: Key} : {user: Username, pass: Password});
		const claims = {name, email, ...Attributes, version: 1};
		if (APIKeys?.length > 1) {
			claims.keys = APIKeys.map((entry) => ({name: entry.Name, ...credential(entry)}));
		} else if (APIKeys?.length === 1) {
			claims.apiKey = credential(APIKeys[0]).apiKey ?? credential(APIKeys[0]); // "apiKey: {user, pass}"
		}
		return jwt.sign({...claims, iat: now}, key);
	},
	Mintlify: async ({user, key, now, host}) => {
		const {Name: name, Email: email, Attributes, Groups: groups, APIKeys} = user;
		const twoWeeks = 1000 * 60 * 60 * 24 * 7 * 2;
		const claims = {
			host,
			expiresAt: Math.floor((now * 1000 + twoWeeks) / 1000),
			content: {name, email, ...Attributes},
		};
		if (groups) claims.groups = groups;
		if (APIKeys) claims.apiPlaygroundInputs = {header: {Authorization: `Bearer ${APIKeys[0].Key}`}};
		return new jose.SignJWT(claims)
			.setProtectedHeader({alg: 'EdDSA'})
			.setExpirationTime(now + 10)
			.sign(await jose.importPKCS8(key, 'EdDSA'));
	},
};

const payloadOf = (token) => Buffer.from(token.split('.')[1], 'base64url').toString();

// stray says how a link that is followed from the docs leaves the origins that it may
// lead to, or the path under which it must stay; '' if it does not.
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
	// token: what each verifier says ('' is yes), and the payload as it was signed. The
	// libraries know nothing of the claim that names the docs' host, which is the platform's.
	async token(request) {
		const verdicts = {};
		for (const [name, verify] of Object.entries(verifiers)) {
			try {
				const claims = await verify(request);
				assert.deepEqual(claims, JSON.parse(payloadOf(request.token)));
				if (request.hostClaim && claims[request.hostClaim] !== request.host) throw new Error('meant for other docs');
				verdicts[name] = '';
			} catch (error) {
				verdicts[name] = error.message;
			}
		}
		return {verdicts, payload: payloadOf(request.token)};
	},
	// sample: the payload that the vendor's sample signs.
	sample: async (request) => ({payload: payloadOf(await samples[request.platform](request))}),
	// links: those that stray, with the reason.
	links: ({links, ...site}) => links.flatMap((link) => {
		let why;
		try {
			why = stray(link, site);
		} catch (error) {
			why = error.message;
		}
		return why ? [{link, why}] : [];
	}),
	// urls: each login URL in the parts that a browser takes it for.
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
