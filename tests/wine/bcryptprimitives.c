/* Wine 8 has no bcryptprimitives.dll, from which Rust's standard library takes its random numbers. This one
 * hands on to the system's older function. For the test under Wine alone. */

#include <windows.h>
#include <ntsecapi.h>

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE bytes, SIZE_T count) {
    return RtlGenRandom(bytes, (ULONG)count);
}
