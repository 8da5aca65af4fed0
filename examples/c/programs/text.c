#include "text.h"

#include "platform.h"

void print_hash(uint64_t hash)
{
    char text[17];
    int i;
    for (i = 0; i < 16; i++) {
        text[i] = "0123456789abcdef"[(hash >> (60 - 4 * i)) & 15];
    }
    text[16] = '\0';
    platform_print(text);
}

void print_number(uint32_t number)
{
    char text[11];
    int i = 10;
    text[i] = '\0';
    do {
        text[--i] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    platform_print(text + i);
}
