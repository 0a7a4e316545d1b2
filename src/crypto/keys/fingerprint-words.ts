/**
 * Fingerprints as words, to be read over the phone. One word is one byte: 256 common words of four to eight letters,
 * made for this. No two begin with the same three letters, and any two differ in three letters or more, so that a
 * word that was half heard isn't taken for another (test/crypto/keys/fingerprint-words.test.ts).
 *
 * The list and its order are fixed for ever: people have them on paper.
 */
import { decodeBase64 } from '../../util/base64.ts'

/** Words shown: 80 bits. To make a key that shows the same ten takes 2^80 tries; 2^64 could be bought. */
const WORD_COUNT = 10

const WORDS: readonly string[] = `
  acorn album alder almond anchor anthem apron arcade
  arena atlas attic autumn avenue axle baboon badge
  bakery ballad banjo barrel basket beacon bedrock berry
  bicycle bison blossom bobcat bonfire border bottle bramble
  bronze buffalo bugle button cabin cactus camel canoe
  captain carpet castle cedar cement chimney circus coconut
  coffee compass copper coral cottage cousin cradle cricket
  crystal cuckoo cushion cyclone daisy dancer desert diamond
  dolphin domino donkey drummer dynamo echo eclipse elbow
  emerald empire engine evening fabric falcon family farmer
  feather fennel fiddle firefly forest fossil freckle furnace
  galaxy garden gazelle geyser giant giraffe glacier glove
  goblet gorilla granite guitar habitat harvest helmet herring
  hickory hobby horizon hotel hunter husky iceberg igloo
  indigo insect iris island ivory jaguar jasmine jelly
  jigsaw juniper kayak kidney kingdom kitchen knuckle koala
  lantern laundry lemon leopard lettuce library lilac linen
  lizard lobster locket lotus lumber lunar lynx magnet
  mammoth marble meadow minnow mirror mitten morning mosaic
  motor muffin museum napkin nectar needle nephew nickel
  nugget nutmeg nylon oasis oatmeal onion opera orange
  orchard osprey ostrich otter palace panda parrot pasture
  peanut pebble pelican pencil pickle pigeon pillow pioneer
  polar pony poodle popcorn potato prairie pumpkin puzzle
  pyramid quarry quilt rabbit radish railway raven recipe
  ribbon ruby rudder runway saturn scarf scooter seagull
  sequin silver skater sketch slipper snow sonnet spider
  spruce statue stereo swallow syrup tadpole tailor teapot
  temple tennis thistle tiger topaz tractor trumpet tulip
  tundra turtle uncle uniform urchin utensil vacuum valley
  vanilla vessel village vinegar violin voyage waffle wagon
  walnut wombat yacht zebra zenith zigzag zinc zodiac
`
  .trim()
  .split(/\s+/)

/**
 * The word form of a fingerprint: its first ten bytes, a word each, joined by hyphens.
 *
 * @param fingerprint - as fingerprint() writes it, `SHA256:…`
 */
export function fingerprintWords(fingerprint: string): string {
  const digest = decodeBase64(fingerprint.replace(/^SHA256:/, ''))
  if (digest?.length !== 32) throw new RangeError(`not a fingerprint: ${fingerprint}`)
  return Array.from(digest.subarray(0, WORD_COUNT), (byte) => WORDS[byte] ?? '').join('-')
}
