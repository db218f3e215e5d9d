#include "textflag.h"

// PLACE writes the place of the lowest bit of AX behind the R12 places that are there, counts it
// if there is such a bit, and takes the bit away.
#define PLACE \
	TZCNTQ AX, BX; \
	ADDQ R9, BX; \
	MOVW BX, (DI)(R12*2); \
	CMPQ AX, $1; \
	SBBQ $-1, R12; \
	LEAQ -1(AX), DX; \
	ANDQ DX, AX

// func findLineFeeds(at []uint16, b []byte, base, skip int) (n, blocks int, odd bool)
//
// It needs nothing but SSE2, which every amd64 has (on the oldest TZCNT is BSF, which is the
// same but for zero, where it does not matter). Each turn looks at a block of 64 octets: X0 to
// X3 hold them, then what of them is a line feed, and AX has a bit for each. X10 gathers all
// bits, X11 the smallest octets, of which one is zero if there was a NUL. Places are written
// whether there is one or not, and count if there is: most blocks have one or two, and a branch
// that asks how many would be foretold badly.
TEXT ·findLineFeeds(SB), NOSPLIT, $0-81
	MOVQ at_base+0(FP), DI
	MOVQ at_len+8(FP), R10
	MOVQ b_base+24(FP), SI
	MOVQ base+48(FP), R9
	MOVQ skip+56(FP), CX
	MOVQ $-1, R11
	SHLQ CX, R11
	MOVQ b_len+32(FP), CX
	SHRQ $6, CX
	SUBQ $65, R10
	XORQ R12, R12
	MOVQ CX, R13
	MOVQ $0x0a0a0a0a0a0a0a0a, AX
	MOVQ AX, X9
	PUNPCKLQDQ X9, X9
	PXOR X10, X10
	PCMPEQB X11, X11

block:
	CMPQ CX, $0
	JEQ done
	CMPQ R12, R10
	JGT done
	MOVOU (SI), X0
	MOVOU 16(SI), X1
	MOVOU 32(SI), X2
	MOVOU 48(SI), X3
	POR X0, X10
	PMINUB X0, X11
	PCMPEQB X9, X0
	POR X1, X10
	PMINUB X1, X11
	PCMPEQB X9, X1
	POR X2, X10
	PMINUB X2, X11
	PCMPEQB X9, X2
	POR X3, X10
	PMINUB X3, X11
	PCMPEQB X9, X3
	PMOVMSKB X0, AX
	PMOVMSKB X1, BX
	PMOVMSKB X2, DX
	PMOVMSKB X3, R8
	SHLQ $16, BX
	SHLQ $32, DX
	SHLQ $48, R8
	ORQ BX, AX
	ORQ R8, DX
	ORQ DX, AX
	ANDQ R11, AX
	MOVQ $-1, R11

places:
	PLACE
	PLACE
	PLACE
	JNZ places

	ADDQ $64, SI
	ADDQ $64, R9
	DECQ CX
	JMP block

done:
	PXOR X0, X0
	PCMPEQB X0, X11
	POR X11, X10
	PMOVMSKB X10, AX
	TESTQ AX, AX
	SETNE odd+80(FP)
	MOVQ R12, n+64(FP)
	SUBQ CX, R13
	MOVQ R13, blocks+72(FP)
	RET
