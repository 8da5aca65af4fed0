/* What the programs need of the machine that they run on. */
#ifndef PLATFORM_H
#define PLATFORM_H

#ifdef __cplusplus
extern "C" {
#endif

/* Writes a text where the developer sees it. */
void platform_print(const char *text);

#ifdef __cplusplus
}
#endif

#endif
