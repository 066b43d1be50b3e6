/**
 * What `call` of api.js takes and gives, by the operations of openapi.json. Of a path whose beginning is put
 * together elsewhere, so that TypeScript does not know it, nothing is checked.
 */

import type { paths } from './api-types';

type Segments<Path extends string> = Path extends `${infer First}/${infer Rest}`
  ? [First, ...Segments<Rest>]
  : [Path];

/** Without what comes after the question mark. */
type Plain<Path extends string> = Path extends `${infer Before}?${string}` ? Before : Path;

/** Whether a path, such as `/v1/orders/${string}`, is one of the document, such as `/v1/orders/{id}`. */
type Fits<Given, Written> = Given extends [infer G, ...infer Gs]
  ? Written extends [infer W, ...infer Ws]
    ? W extends `{${string}}`
      ? Fits<Gs, Ws>
      : G extends W
        ? Fits<Gs, Ws>
        : false
    : false
  : Written extends []
    ? true
    : false;

/** The path of the document: the one with the same words, such as `/v1/orders/quote`, goes before one that it fits. */
type Written<Path extends string> = Plain<Path> extends keyof paths
  ? Plain<Path>
  : {
      [P in keyof paths & string]: Fits<Segments<Plain<Path>>, Segments<P>> extends true ? P : never;
    }[keyof paths & string];

/** The methods that the API has at this path. */
export type MethodOf<Path extends string> = Path extends `/${string}` ? MethodAt<Written<Path>> : string;

type MethodAt<P extends keyof paths> = [P] extends [never]
  ? never
  : { [M in keyof paths[P] & string]: paths[P][M] extends { responses: unknown } ? Uppercase<M> : never }[
      keyof paths[P] & string];

type Operation<Method extends string, Path extends string> = paths[Written<Path>][Lowercase<Method> &
  keyof paths[Written<Path>]];

type Content<Response> = Response extends { content: { 'application/json': infer Body } } ? Body : undefined;

/** The body of the response to a request that succeeds. */
export type Answer<Method extends string, Path extends string> = Path extends `/${string}`
  ? Operation<Method, Path> extends { responses: infer All }
    ? Content<All[keyof All & (200 | 201 | 202 | 204)]>
    : never
  : any;

/** The paths of what is read a page at a time. */
export type Listed = {
  [P in keyof paths & string]: [Answer<'GET', P>] extends [{ data: unknown[]; next_cursor: string | null }] ? P : never;
}[keyof paths & string];

/** What is listed there. */
export type EntryOf<Path extends Listed> = Answer<'GET', Path> extends { data: (infer Entry)[] } ? Entry : never;

/** The body of the request. A text was written by `JSON.stringify`, earlier. */
export type Body<Method extends string, Path extends string> = Path extends `/${string}`
  ? Operation<Method, Path> extends { requestBody?: { content: { 'application/json': infer Sent } } }
    ? Sent | string
    : never
  : string | object;
