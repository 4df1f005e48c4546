// Uses the vendors' own packages to show what ReadMe's docs do with a user, and to check the type of
// a user at Mintlify. Scalar publishes no package for its signatures, so this uses Node's crypto as
// Scalar's page on personalization documents. It reads one JSON request per line from standard input, and writes one JSON
// answer for each.
import {createHmac, timingSafeEqual} from 'node:crypto';
import readline from 'node:readline';
import oasToHar from '@readme/oas-to-har';
import oasToSnippet from '@readme/oas-to-snippet';
import readmeVariable from '@readme/variable';
import Oas from 'oas';
import {createElement} from 'react';
import {renderToStaticMarkup} from 'react-dom/server';
import readmeio from 'readmeio';
import ts from 'typescript';

// definition describes an API with one path for each of its security schemes.
const definition = {
	openapi: '3.1.0',
	info: {title: 'Pets', version: '1'},
	servers: [{url: 'https://{region}.example.com', variables: {region: {default: 'us'}}}],
	components: {
		securitySchemes: {
			header: {type: 'apiKey', in: 'header', name: 'X-Api-Key'},
			authorization: {type: 'apiKey', in: 'header', name: 'Authorization'},
			query: {type: 'apiKey', in: 'query', name: 'api_key'},
			cookie: {type: 'apiKey', in: 'cookie', name: 'session'},
			bearer: {type: 'http', scheme: 'bearer'},
			oauth: {type: 'oauth2', flows: {}},
			basic: {type: 'http', scheme: 'basic'},
			apiKey: {type: 'http', scheme: 'basic'}, // has the name of ReadMe's claim
		},
	},
	paths: {},
};
for (const scheme of Object.keys(definition.components.securitySchemes)) {
	definition.paths[`/${scheme}`] = {get: {security: [{[scheme]: []}], responses: {200: {description: 'OK'}}}};
}

// typed returns a module in which a user, given as JSON, has the vendor's type.
const typed = (user) => `import type {UserInfo} from '@mintlify/validation';\nexport const user: UserInfo = ${user};\n`;
const compilerOptions = {
	strict: true, exactOptionalPropertyTypes: true, skipLibCheck: true, noEmit: true, types: [],
	target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext,
};
let compiled; // the last program, whose files the next compilation need not read again

const answers = {
	// request returns what ReadMe fills into a user's request to an endpoint with a security scheme.
	// The reader has selected the key with the name selected, or none if that is "".
	request({user, scheme, selected}) {
		const oas = new Oas(structuredClone(definition), user);
		const operation = oas.operation(`/${scheme}`, 'get');
		const auth = oas.getAuth(user, selected);
		const {url, headers, queryString, cookies} = oasToHar(oas, operation, {}, auth).log.entries[0].request;
		return {
			host: new URL(url).host,
			headers: headers.map(({name, value}) => `${name}: ${value}`),
			query: queryString.map(({name, value}) => `${name}=${value}`),
			cookies: cookies.map(({name, value}) => `${name}=${value}`),
			snippet: oasToSnippet(oas, operation, {}, auth, ['shell', 'curl']).code,
		};
	},
	// page returns what the text of a page shows for <<name>>.
	page({user, name, selected = ''}) {
		const props = {user, name, selected, defaults: [], changeSelected() {}};
		return decode(renderToStaticMarkup(createElement(readmeVariable.Variable, props)));
	},
	// code returns what a code block shows. No usable package has this code, so this does what
	// variables-code.ts in ReadMe's repository "markdown" does, with the package's regular expressions.
	code({user, text}) {
		const variables = new RegExp(`${readmeVariable.VARIABLE_REGEXP}|${readmeVariable.MDX_VARIABLE_REGEXP}`, 'giu');
		return text.replace(variables, (match, legacy, before, name) => String(user[legacy ?? name] ?? (legacy ?? match.slice(1, -1)).toUpperCase()));
	},
	// webhook returns '' if the package verifies the signature at the time now, or else the package's
	// error.
	webhook({body, signature, secret, now}) {
		const {Date} = globalThis;
		globalThis.Date = class extends Date {
			constructor(...time) {
				super(...(time.length > 0 ? time : [now]));
			}
		};
		try {
			readmeio.verifyWebhook(JSON.parse(body), signature, secret);
			return '';
		} catch (error) {
			return error.message;
		} finally {
			globalThis.Date = Date;
		}
	},
	// scalarSignature returns Scalar's header for a body, signed with each of the secrets.
	scalarSignature({body, secrets, seconds}) {
		return [`t=${seconds}`, ...secrets.map((secret) => `v1=${scalarHash(secret, seconds, body).toString('hex')}`)].join(',');
	},
	// scalarVerifies reports whether Scalar's header is valid for a body at the time now, in seconds.
	scalarVerifies({body, signature, secret, now}) {
		const fields = signature.split(',').map((field) => field.split('='));
		const [, seconds] = fields.find(([name]) => name === 't') ?? [];
		const want = scalarHash(secret, seconds, body);
		return Math.abs(now - Number(seconds)) <= 300 && fields.some(([name, hex]) => {
			const hash = Buffer.from(name === 'v1' ? hex : '', 'hex');
			return hash.length === want.length && timingSafeEqual(hash, want);
		});
	},
	// type returns the compiler's errors about a user, given as JSON, as a value of Mintlify's type.
	type({user}) {
		const file = 'user.ts';
		const host = ts.createCompilerHost(compilerOptions);
		const {getSourceFile, fileExists, readFile} = host;
		host.fileExists = (name) => name === file || fileExists(name);
		host.readFile = (name) => (name === file ? typed(user) : readFile(name));
		host.getSourceFile = (name, options) =>
			(name === file ? ts.createSourceFile(name, typed(user), options) : compiled?.getSourceFile(name) ?? getSourceFile(name, options));
		compiled = ts.createProgram([file], compilerOptions, host);
		return ts.getPreEmitDiagnostics(compiled).map(({messageText}) => ts.flattenDiagnosticMessageText(messageText, ' '));
	},
};

// scalarHash returns the HMAC of the time and a body. The key is the whole secret, with its prefix.
const scalarHash = (secret, seconds, body) => createHmac('sha256', secret).update(`${seconds}.`).update(Buffer.from(body)).digest();

function decode(markup) {
	const entities = {amp: '&', lt: '<', gt: '>', quot: '"', '#x27': "'"};
	return markup.replace(/<[^>]*>/g, '').replace(/&(amp|lt|gt|quot|#x27);/g, (_, name) => entities[name]);
}

for await (const line of readline.createInterface({input: process.stdin})) {
	const {op, ...request} = JSON.parse(line);
	process.stdout.write(JSON.stringify(await answers[op](request)) + '\n');
}
