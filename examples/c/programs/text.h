/* Numbers as text, without a C library. */
#ifndef TEXT_H
#define TEXT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Prints sixteen hexadecimal digits. */
void print_hash(uint64_t hash);

/* Prints a number in decimal digits. */
void print_number(uint32_t number);

#ifdef __cplusplus
}
#endif

#endif
