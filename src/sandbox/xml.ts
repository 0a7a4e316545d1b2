import { XMLParser } from 'fast-xml-parser'
import { S3Error, type S3ErrorCode } from './s3-error.ts'

const declaration = '<?xml version="1.0" encoding="UTF-8"?>\n'
const namespace = 'http://s3.amazonaws.com/doc/2006-03-01/'

// Values stay text: an object key `1e5` or `true` is no number. `htmlEntities` is what makes it read `&#13;`.
const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  removeNSPrefix: true,
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: false,
  ignoreDeclaration: true,
  htmlEntities: true,
})

/**
 * What an element may hold: text, further elements, or several of the same name, one element each.
 * Names that begin with `@` are attributes, `#text` is text beside them.
 */
type XmlValue = XmlText | undefined | XmlElement | readonly XmlElement[]
type XmlText = string | number | boolean
export interface XmlElement {
  readonly [name: string]: XmlValue
}

/** An S3 answer body with its declaration and namespace. Undefined children are left out. */
export function buildXml(root: string, children: XmlElement): string {
  return declaration + buildElement(root, { '@xmlns': namespace, ...children })
}

/** The error body (S3 API, "REST error responses"). */
export function buildErrorXml(error: S3Error, resource: string, requestId: string): string {
  const { code: Code, message: Message } = error
  return declaration + buildElement('Error', { Code, Message, Resource: resource, RequestId: requestId })
}

function buildElement(name: string, value: XmlValue): string {
  if (value === undefined) return ''
  if (typeof value !== 'object') return `<${name}>${escape(String(value))}</${name}>`
  if (isList(value)) return value.map((entry) => buildElement(name, entry)).join('')
  let [attributes, children] = ['', '']
  for (const [child, held] of Object.entries(value)) {
    if (typeof held === 'string' && child.startsWith('@')) {
      attributes += ` ${child.slice(1)}="${escape(held)}"`
    } else if (typeof held === 'string' && child === '#text') {
      children += escape(held)
    } else {
      children += buildElement(child, held)
    }
  }
  return `<${name}${attributes}>${children}</${name}>`
}

function isList(value: XmlElement | readonly XmlElement[]): value is readonly XmlElement[] {
  return Array.isArray(value)
}

/** Control characters too, which object keys may hold: a bare CR would be read as LF. */
function escape(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replace(/[&<>"\u0000-\u001f\ufffe\uffff]/g, (character) => `&#${character.charCodeAt(0)};`)
}

/**
 * The children of the root element, whose name must be `root`.
 * Throws an S3Error with `code` for anything that is not well-formed.
 */
export function parseXml(text: string, root: string, code: S3ErrorCode = 'MalformedXML'): ParsedElement {
  const document = parseDocument(text)
  if (document === undefined || !(root in document)) {
    throw new S3Error(code, `the body is not a well-formed ${root}`)
  }
  return asElement(document[root]) ?? {}
}

/** A parsed element: its children and attributes by name. */
export type ParsedElement = Readonly<Record<string, unknown>>

/** The text of a child; undefined when it is missing or holds elements. */
export function childText(element: ParsedElement, name: string): string | undefined {
  const child = element[name]
  if (typeof child === 'string') return child
  const nested = asElement(child)?.['#text']
  return typeof nested === 'string' ? nested : undefined
}

/** The child elements of a name, none, one or several; text children are left out. */
export function childElements(element: ParsedElement, name: string): ParsedElement[] {
  const child = element[name]
  const children: unknown[] = Array.isArray(child) ? child : [child]
  return children.map(asElement).filter((candidate) => candidate !== undefined)
}

/** Undefined for what is not well-formed, and for a document type: entities of a stranger's are not read. */
function parseDocument(text: string): ParsedElement | undefined {
  if (/<!(DOCTYPE|ENTITY)/i.test(text)) return undefined
  try {
    // Its validation is to move to a package of its own, which is what it calls now already.
    // eslint-disable-next-line @typescript-eslint/no-deprecated
    return asElement(parser.parse(text, true))
  } catch {
    return undefined
  }
}

function asElement(value: unknown): ParsedElement | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as ParsedElement)
    : undefined
}
