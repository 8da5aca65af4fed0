/*
 * What every compiler of C expects to find, and the library with it, where there is no C library:
 * the run-time ABI's names for Arm lead to the same two functions.
 */
#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t len);
void *memset(void *to, int value, size_t len);
void __aeabi_memcpy(void *to, const void *from, size_t len);
void __aeabi_memcpy4(void *to, const void *from, size_t len);
void __aeabi_memcpy8(void *to, const void *from, size_t len);
void __aeabi_memclr(void *to, size_t len);
void __aeabi_memclr4(void *to, size_t len);
void __aeabi_memclr8(void *to, size_t len);

void *memcpy(void *restrict to, const void *restrict from, size_t len)
{
    unsigned char *t = to;
    const unsigned char *f = from;
    while (len-- > 0) {
        *t++ = *f++;
    }
    return to;
}

void *memset(void *to, int value, size_t len)
{
    unsigned char *t = to;
    while (len-- > 0) {
        *t++ = (unsigned char)value;
    }
    return to;
}

void __aeabi_memcpy(void *to, const void *from, size_t len)
{
    memcpy(to, from, len);
}

void __aeabi_memcpy4(void *to, const void *from, size_t len)
{
    memcpy(to, from, len);
}

void __aeabi_memcpy8(void *to, const void *from, size_t len)
{
    memcpy(to, from, len);
}

void __aeabi_memclr(void *to, size_t len)
{
    memset(to, 0, len);
}

void __aeabi_memclr4(void *to, size_t len)
{
    memset(to, 0, len);
}

void __aeabi_memclr8(void *to, size_t len)
{
    memset(to, 0, len);
}
