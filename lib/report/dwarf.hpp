// The numbers of the tables for exceptions: DWARF 5, 7.24 and 7.7.1, and the Linux Standard Base for what .eh_frame adds.
#pragma once

#include <cstdint>

namespace trestle::dwarf {

// Registers of x86-64, by its System V ABI.
inline constexpr std::uint64_t kBp = 6;
inline constexpr std::uint64_t kSp = 7;
inline constexpr std::uint64_t kPc = 16;

// How an address is written: its format, and what it is relative to.
inline constexpr std::uint8_t kFormat = 0x0f;
inline constexpr std::uint8_t kRelation = 0x70;
inline constexpr std::uint8_t kAbsolute = 0x00;
inline constexpr std::uint8_t kUnsigned2 = 0x02;
inline constexpr std::uint8_t kUnsigned4 = 0x03;
inline constexpr std::uint8_t kUnsigned8 = 0x04;
inline constexpr std::uint8_t kSigned2 = 0x0a;
inline constexpr std::uint8_t kSigned4 = 0x0b;
inline constexpr std::uint8_t kSigned8 = 0x0c;
inline constexpr std::uint8_t kFromHere = 0x10;
inline constexpr std::uint8_t kFromHeader = 0x30;
inline constexpr std::uint8_t kAligned = 0x50;
inline constexpr std::uint8_t kOmitted = 0xff;

// Instructions of an entry. The first three have an operand in their lower six bits.
enum class Rule : std::uint8_t {
  advance = 0x40,
  offset = 0x80,
  restore = 0xc0,
  nop = 0x00,
  set_location = 0x01,
  advance1 = 0x02,
  advance2 = 0x03,
  advance4 = 0x04,
  offset_extended = 0x05,
  restore_extended = 0x06,
  undefined = 0x07,
  same_value = 0x08,
  in_register = 0x09,
  remember_state = 0x0a,
  restore_state = 0x0b,
  frame = 0x0c,
  frame_register = 0x0d,
  frame_offset = 0x0e,
  frame_expression = 0x0f,
  expression = 0x10,
  offset_extended_signed = 0x11,
  frame_signed = 0x12,
  frame_offset_signed = 0x13,
  value_offset = 0x14,
  value_offset_signed = 0x15,
  value_expression = 0x16,
  args_size = 0x2e,
};

// Operations of an expression, of which those of literals and registers are 32 each.
enum class Op : std::uint8_t {
  deref = 0x06,
  const1u = 0x08,
  const1s = 0x09,
  const2u = 0x0a,
  const2s = 0x0b,
  bit_and = 0x1a,
  minus = 0x1c,
  plus = 0x22,
  plus_constant = 0x23,
  shift_left = 0x24,
  at_least = 0x2a,
  literal0 = 0x30,
  literal31 = 0x4f,
  register0 = 0x70,
  register31 = 0x8f,
};

}  // namespace trestle::dwarf
