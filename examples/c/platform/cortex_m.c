/*
 * A Cortex-M4F as QEMU has it on the board mps2-an386: vectors, start, and printing through the
 * debugger. A product takes these from its vendor and its C library.
 */
#include "platform.h"

#include <stddef.h>
#include <stdint.h>

int main(void);
void reset_handler(void);

/* From the linker script. */
extern uint32_t stack_end[], data_from[], data_start[], data_end[], bss_start[], bss_end[];

#define CPACR ((volatile uint32_t *)0xe000ed88u)

enum { SYS_WRITE0 = 0x04, SYS_EXIT_EXTENDED = 0x20, APPLICATION_EXIT = 0x20026 };

static void semihosting(uint32_t operation, const void *argument)
{
    register uint32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
}

void platform_print(const char *text)
{
    semihosting(SYS_WRITE0, text);
}

static void leave(uint32_t code)
{
    uint32_t block[2];
    block[0] = APPLICATION_EXIT;
    block[1] = code;
    for (;;) {
        semihosting(SYS_EXIT_EXTENDED, block);
    }
}

static void fault_handler(void)
{
    platform_print("fault\n");
    leave(1);
}

/* The library computes in the FPU, so it is switched on first. */
void reset_handler(void)
{
    const uint32_t *from = data_from;
    uint32_t *to;
    *CPACR |= 0xfu << 20;
    __asm__ volatile("dsb\n\tisb" ::: "memory");
    for (to = data_start; to < data_end; to++) {
        *to = *from++;
    }
    for (to = bss_start; to < bss_end; to++) {
        *to = 0;
    }
    leave((uint32_t)main());
}

typedef union {
    uint32_t *stack;
    void (*handler)(void);
} vector;

extern const vector vectors[];
__attribute__((section(".vectors"), used)) const vector vectors[16] = {
    { .stack = stack_end },       { .handler = reset_handler }, { .handler = fault_handler },
    { .handler = fault_handler }, { .handler = fault_handler }, { .handler = fault_handler },
    { .handler = fault_handler },
};
