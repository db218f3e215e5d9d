#include "go_asm.h"
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

// nameMask+16-n has n octets of ones, and zeros behind them.
DATA nameMask<>+0(SB)/8, $-1
DATA nameMask<>+8(SB)/8, $-1
DATA nameMask<>+16(SB)/8, $0
DATA nameMask<>+24(SB)/8, $0
GLOBL nameMask<>(SB), RODATA|NOPTR, $32

// func scanFields(fields []field, b []byte, at []uint16, base, n int, first *[numIDs]uint16, have int) (count, next int, twice bool)
//
// Each turn is scanFieldsInGo for one line. SI is b, R9 where the last line may start for which there are eighteen
// octets, R8 where this line starts, AX its line feed, CX the length of its name, R15 where its value starts, BX the
// known name; DI, R10 and R12 go through fields, at and the numbers of fields. No octet at or behind the end of b is looked at: the
// first test holds for what is behind R8, the third for what is behind AX.
TEXT ·scanFields(SB), NOSPLIT, $0-121
	MOVQ fields_base+0(FP), DI
	MOVQ b_base+24(FP), SI
	MOVQ b_len+32(FP), R9
	SUBQ $18, R9
	MOVQ at_base+48(FP), R10
	MOVQ at_len+56(FP), R11
	LEAQ (R10)(R11*2), R11
	MOVQ n+80(FP), R8
	MOVQ first+88(FP), R13
	MOVQ have+96(FP), R12
	MOVB $0, twice+120(FP)
	MOVQ $0x3a3a3a3a3a3a3a3a, AX
	MOVQ AX, X9
	PUNPCKLQDQ X9, X9
	MOVQ $0x2020202020202020, AX
	MOVQ AX, X10
	PUNPCKLQDQ X10, X10

field:
	CMPQ R10, R11
	JEQ done
	MOVWLZX (R10), AX
	ADDQ base+72(FP), AX
	CMPQ R8, R9
	JGT done
	LEAQ 1(R8), DX
	CMPQ AX, DX
	JLE done
	LEAQ 16(R9), DX
	CMPQ AX, DX
	JGT done

	MOVOU (SI)(R8*1), X0
	MOVO X0, X1
	PCMPEQB X9, X1
	PMOVMSKB X1, CX
	BSFL CX, CX
	JEQ done
	LEAQ nameMask<>+16(SB), DX
	SUBQ CX, DX
	MOVOU (DX), X1
	PAND X1, X0

	MOVO X0, X1
	POR X10, X1
	MOVQ X1, BX
	PSRLDQ $8, X1
	MOVQ X1, DX
	LEAQ (DX)(DX*2), DX
	ADDQ DX, BX
	MOVQ $const_tableMult, DX
	IMULQ DX, BX
	SHRQ $(64-const_tableBits), BX
	LEAQ ·nameTable(SB), DX
	MOVBLZX (DX)(BX*1), BX
	LEAQ (BX)(BX*4), BX
	LEAQ ·knownNames(SB), DX
	LEAQ (DX)(BX*8), BX

	MOVOU knownName_fold0(BX), X1
	POR X0, X1
	MOVOU knownName_w0(BX), X2
	PCMPEQB X2, X1
	PMOVMSKB X1, DX
	CMPL DX, $0xffff
	JNE done
	CMPL knownName_len(BX), CX
	JNE done

	ADDQ R8, CX
	LEAQ 1(CX), R15
	CMPB (SI)(R15*1), $0x20
	JNE value
	INCQ R15

value:
	CMPB (SI)(R15*1), $0x20
	JLS done
	MOVL -2(SI)(AX*1), DX
	CMPB DX, $0x20
	JLS done
	SHRL $8, DX
	CMPB DX, $0x0d
	JNE done
	SHRL $16, DX
	CMPL DX, $0x20
	JEQ done
	CMPL DX, $0x09
	JEQ done

	INCQ R12
	MOVBLZX knownName_id(BX), BX
	MOVL R8, field_name(DI)
	MOVL CX, field_nameEnd(DI)
	MOVL R15, field_value(DI)
	LEAQ 1(AX), R8
	DECQ AX
	MOVL AX, field_valueEnd(DI)
	MOVB BX, field_id(DI)
	ADDQ $field__size, DI
	ADDQ $2, R10
	CMPW (R13)(BX*2), $0
	JNE again
	MOVW R12, (R13)(BX*2)
	JMP field

again:
	LEAQ ·singles(SB), DX
	MOVBLZX (DX)(BX*1), DX
	ORB DX, twice+120(FP)
	JMP field

done:
	SUBQ have+96(FP), R12
	MOVQ R12, count+104(FP)
	MOVQ R8, next+112(FP)
	RET
