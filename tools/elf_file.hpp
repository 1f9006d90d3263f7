// The tables of a 64-bit ELF file. They are foreign bytes: what lies beyond the file's end is not there.
#pragma once

#include <elf.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace trestle::tool {

class ElfFile {
 public:
  explicit ElfFile(const std::filesystem::path& path) : file_(path, std::ios::binary) {
    is_cut_off_ = !read(0, header_);
  }

  [[nodiscard]] bool is_elf() const { return !is_cut_off_ && std::memcmp(header_.e_ident, ELFMAG, SELFMAG) == 0; }
  [[nodiscard]] bool is_64_bit() const { return header_.e_ident[EI_CLASS] == ELFCLASS64; }
  // Something that was asked for lies beyond its end.
  [[nodiscard]] bool is_cut_off() const { return is_cut_off_; }

  // Whether a segment, or a section, is of that kind.
  template <class Is>
  [[nodiscard]] bool has_segment(Is is) {
    return has_row<Elf64_Phdr>(header_.e_phoff, header_.e_phnum, is);
  }
  template <class Is>
  [[nodiscard]] bool has_section(Is is) {
    return has_row<Elf64_Shdr>(header_.e_shoff, header_.e_shnum, is);
  }

 private:
  template <class T>
  bool read(std::uint64_t offset, T& value) {
    file_.seekg(static_cast<std::streamoff>(offset));
    return static_cast<bool>(file_.read(reinterpret_cast<char*>(&value), sizeof value));
  }
  template <class Row, class Is>
  bool has_row(std::uint64_t table, std::uint64_t rows, Is is) {
    for (std::uint64_t i = 0; i < rows; ++i) {
      Row row;
      if (!read(table + i * sizeof row, row)) {
        is_cut_off_ = true;
        return false;
      }
      if (is(row)) return true;
    }
    return false;
  }

  std::ifstream file_;
  Elf64_Ehdr header_ = {};
  bool is_cut_off_ = false;
};

}  // namespace trestle::tool
