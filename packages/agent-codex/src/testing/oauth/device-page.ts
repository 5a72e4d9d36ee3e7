import { findAccount, type OAuthAccount } from './oauth-account.ts';
import type { EndpointAnswer, OAuthDesk } from './oauth-endpoints.ts';
import type { ReadRequest } from './oauth-request.ts';
import { RotatingOAuthError } from './rotating-oauth-error.ts';

const headers = { 'content-type': 'text/html; charset=utf-8' };

/** The page at which a person types the code that a device shows, for demonstrations without an account. */
export function devicePage({ fields, method }: ReadRequest, desk: OAuthDesk): EndpointAnswer {
  if (method !== 'POST') return { status: 200, headers, body: page(form(desk.accounts)) };
  try {
    const account = findAccount(desk.accounts, fields['account']);
    desk.codes.approve(fields['user_code']?.trim().toUpperCase() ?? '', account);
    return { status: 200, headers, body: page('<p>Logged in. You may close this page.') };
  } catch (error) {
    if (!(error instanceof RotatingOAuthError)) throw error;
    return { status: 400, headers, body: page(`<p>${escapeHtml(error.message)}${form(desk.accounts)}`) };
  }
}

function form(accounts: readonly OAuthAccount[]): string {
  const options = accounts.map(
    ({ id, name }) => `<option value="${escapeHtml(id)}">${escapeHtml(name ?? id)}</option>`,
  );
  return `<form method="post"><label>Code <input name="user_code" autofocus required></label>
<label>Account <select name="account">${options.join('')}</select></label><button>Log in</button></form>`;
}

function page(content: string): string {
  return `<!doctype html><html lang="en"><title>Test login</title><h1>Test login</h1>${content}</html>`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
