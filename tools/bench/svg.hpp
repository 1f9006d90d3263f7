// Drawings for the page: bars, lines and dots as SVG. Colours are classes, which the page's style gives them for light and dark.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace trestle::tool {

// The text as it stands in HTML and XML.
[[nodiscard]] std::string escaped(const std::string& text);

// The number with so many digits behind its point and no more zeros than that needs.
[[nodiscard]] std::string plain(double value, int digits = 2);

struct BarRow {
  std::string label;
  std::string colour;  // a class
  double value = 0;    // not negative
  std::string text;    // what is written beside the bar
  std::string tooltip;
};

// Horizontal bars under one another, with a line at 1. What is above `limit` is cut there, and marked as cut.
[[nodiscard]] std::string draw_bars(const std::string& title, const std::vector<BarRow>& rows, double limit);

struct Line {
  std::string label;
  std::string colour;
  std::vector<std::pair<double, double>> points;  // by x, rising
};

struct Axis {
  std::string label;
  bool is_logarithmic = false;
};

// Lines over one another, with axes from their lowest to their highest values (a linear y axis begins at 0).
[[nodiscard]] std::string draw_lines(const std::string& title, const std::vector<Line>& lines, const Axis& x,
                                     const Axis& y);

struct DotRow {
  std::string label;
  std::string colour;
  std::vector<std::pair<std::string, double>> dots;  // what, and where
};

// A row of dots each, on one logarithmic axis.
[[nodiscard]] std::string draw_dots(const std::string& title, const std::vector<DotRow>& rows, const std::string& unit);

}  // namespace trestle::tool
