#include "textflag.h"

// LOOK looks at a block of 32 octets, which begins at A0 of SI+BX. R gets a bit for each group that has
// needles whose five octets may begin at an octet, X is positive where an octet is ASCII and no ESC. A low half
// of an octet says which entry of Y8 to Y12 is meant; where it is not ASCII, none is.
#define LOOK(A0, A1, A2, A3, A4, R, X) \
	VPSHUFB A0(SI)(BX*1), Y8, R; \
	VPSHUFB A1(SI)(BX*1), Y9, Y6; \
	VPAND Y6, R, R; \
	VPSHUFB A2(SI)(BX*1), Y10, Y7; \
	VPAND Y7, R, R; \
	VPSHUFB A3(SI)(BX*1), Y11, Y6; \
	VPAND Y6, R, R; \
	VPSHUFB A4(SI)(BX*1), Y12, Y7; \
	VPAND Y7, R, R; \
	VPXOR A0(SI)(BX*1), Y13, X

// ODD sets the bits in AX of those octets that LOOK found something at.
#define ODD(R, X) \
	VPCMPEQB Y14, R, R; \
	VPCMPGTB Y14, X, X; \
	VPAND X, R, R; \
	VPMOVMSKB R, AX; \
	XORL $-1, AX

// func nextOdd(b []byte, from int, t *nibbles) (at int, odd uint32)
//
// It looks at four blocks at a time while there are as many, then at one, and last at the one that ends four
// octets before the end. Five octets may begin up to there, and it reads these four, but none behind them.
TEXT ·nextOdd(SB), NOSPLIT, $0-52
	MOVQ b_base+0(FP), SI
	MOVQ b_len+8(FP), CX
	MOVQ from+24(FP), BX
	MOVQ t+32(FP), DX
	VBROADCASTI128 (DX), Y8
	VBROADCASTI128 16(DX), Y9
	VBROADCASTI128 32(DX), Y10
	VBROADCASTI128 48(DX), Y11
	VBROADCASTI128 64(DX), Y12
	VBROADCASTI128 80(DX), Y13
	VPXOR Y14, Y14, Y14
	LEAQ -36(CX), DI
	LEAQ -96(DI), R8

four:
	CMPQ BX, R8
	JGT one
	LOOK(0, 1, 2, 3, 4, Y0, Y1)
	LOOK(32, 33, 34, 35, 36, Y2, Y3)
	VPOR Y2, Y0, Y0
	VPMINSB Y3, Y1, Y1
	LOOK(64, 65, 66, 67, 68, Y2, Y3)
	VPOR Y2, Y0, Y0
	VPMINSB Y3, Y1, Y1
	LOOK(96, 97, 98, 99, 100, Y2, Y3)
	VPOR Y2, Y0, Y0
	VPMINSB Y3, Y1, Y1
	ODD(Y0, Y1)
	JNZ one
	ADDQ $128, BX
	JMP four

one:
	CMPQ BX, DI
	JGT last
	LOOK(0, 1, 2, 3, 4, Y0, Y1)
	ODD(Y0, Y1)
	JNZ found
	ADDQ $32, BX
	JMP one

last:
	LEAQ 32(DI), R8
	CMPQ BX, R8
	JGE none
	MOVQ DI, BX
	LOOK(0, 1, 2, 3, 4, Y0, Y1)
	ODD(Y0, Y1)
	JNZ found

none:
	MOVQ CX, BX
	XORL AX, AX

found:
	VZEROUPPER
	MOVQ BX, at+40(FP)
	MOVL AX, odd+48(FP)
	RET

// func hasAVX2() bool
TEXT ·hasAVX2(SB), NOSPLIT, $0-1
	MOVB $0, ret+0(FP)
	XORL AX, AX
	XORL CX, CX
	CPUID
	CMPL AX, $7
	JLT no
	MOVL $1, AX
	XORL CX, CX
	CPUID
	ANDL $(1<<27|1<<28), CX // OSXSAVE, AVX
	CMPL CX, $(1<<27|1<<28)
	JNE no
	XORL CX, CX
	XGETBV
	ANDL $6, AX // the system keeps X and Y registers
	CMPL AX, $6
	JNE no
	MOVL $7, AX
	XORL CX, CX
	CPUID
	SHRL $5, BX // AVX2
	ANDL $1, BX
	MOVB BX, ret+0(FP)

no:
	RET
