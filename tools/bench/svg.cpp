#include "bench/svg.hpp"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <sstream>

namespace trestle::tool {
namespace {

constexpr double kRow = 18;
constexpr double kLabel = 66;  // what names take at the left

std::string text_at(double x, double y, const std::string& anchor, const std::string& text,
                    const std::string& kind = "") {
  std::ostringstream out;
  out << "<text x=\"" << plain(x) << "\" y=\"" << plain(y) << "\" text-anchor=\"" << anchor << "\" class=\"" << kind
      << "\">" << escaped(text) << "</text>";
  return out.str();
}

std::string line_at(double x1, double y1, double x2, double y2, const std::string& kind) {
  std::ostringstream out;
  out << "<line x1=\"" << plain(x1) << "\" y1=\"" << plain(y1) << "\" x2=\"" << plain(x2) << "\" y2=\"" << plain(y2)
      << "\" class=\"" << kind << "\"/>";
  return out.str();
}

std::string framed(const std::string& title, double width, double height, const std::string& inside) {
  std::ostringstream out;
  // No wider than lets its letters be as large as the page's.
  out << "<svg style=\"max-width:" << plain(width * 1.25, 0) << "px\" viewBox=\"0 0 " << plain(width) << ' '
      << plain(height) << "\" role=\"img\" aria-label=\"" << escaped(title) << "\">" << inside << "</svg>\n";
  return out.str();
}

// Where a value lies between the ends of an axis, from 0 to 1.
class Scale {
 public:
  Scale(double low, double high, bool is_logarithmic) : is_logarithmic_(is_logarithmic), low_(mapped(low)) {
    const double width = mapped(high) - low_;
    width_ = width > 0 ? width : 1;
  }
  [[nodiscard]] double at(double value) const { return (mapped(value) - low_) / width_; }

 private:
  [[nodiscard]] double mapped(double value) const {
    return is_logarithmic_ ? std::log10(std::max(value, 1e-9)) : value;
  }
  bool is_logarithmic_;
  double low_;
  double width_;
};

// Round numbers between two: powers of ten, on a narrow axis 2 and 5 times these too; or at most six steps of such a number.
std::vector<double> ticks(double low, double high, bool is_logarithmic) {
  std::vector<double> found;
  if (is_logarithmic) {
    const bool is_narrow = high < 200 * low;
    for (double at = std::pow(10, std::floor(std::log10(std::max(low, 1e-9)))); at <= high * 1.001; at *= 10) {
      for (const double step : {1.0, 2.0, 5.0}) {
        if (at * step < low * 0.999 || at * step > high * 1.001 || (step > 1 && !is_narrow)) continue;
        found.push_back(at * step);
      }
    }
    return found;
  }
  const double rough = std::max(high - low, 1e-9) / 5;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  const double step = rough <= power       ? power
                      : rough <= 2 * power ? 2 * power
                      : rough <= 5 * power ? 5 * power
                                           : 10 * power;
  for (double at = std::ceil(low / step) * step; at <= high + step / 1000; at += step) found.push_back(at);
  return found;
}

std::string short_number(double value) {
  if (value >= 1e6) return plain(value / 1e6, 1) + "M";
  if (value >= 1e4) return plain(value / 1e3, 1) + "k";
  return plain(value, value < 10 ? 1 : 0);
}

struct Extent {
  double low = 1e300;
  double high = -1e300;
  void take(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
};

std::string bar_of(const BarRow& row, double y, double scale, double limit) {
  const double width = std::max(std::min(row.value, limit) * scale, 1.0);
  std::ostringstream out;
  out << "<g><title>" << escaped(row.tooltip) << "</title>" << text_at(kLabel - 6, y + 12, "end", row.label)
      << "<rect x=\"" << plain(kLabel) << "\" y=\"" << plain(y + 3) << "\" width=\"" << plain(width)
      << "\" height=\"12\" rx=\"2\" class=\"fill " << row.colour << "\"/>";
  if (row.value > limit) {
    const double end = kLabel + width;
    out << "<path d=\"M" << plain(end - 9) << ' ' << plain(y + 2) << "l5 7l-5 7h4l5 -7l-5 -7z\" class=\"cut\"/>";
  }
  out << text_at(kLabel + width + 5, y + 12, "start", row.text, "value") << "</g>";
  return out.str();
}

}  // namespace

std::string escaped(const std::string& text) {
  std::string safe;
  for (const char letter : text) {
    switch (letter) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '"':
        safe += "&quot;";
        break;
      default:
        // Other control characters may not stand in XML at all.
        if (static_cast<unsigned char>(letter) >= ' ' || letter == '\n' || letter == '\t') safe += letter;
    }
  }
  return safe;
}

std::string plain(double value, int digits) {
  std::ostringstream out;
  out << std::fixed << std::setprecision(digits) << value;
  std::string text = out.str();
  if (text.find('.') == std::string::npos) return text;
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text;
}

std::string draw_bars(const std::string& title, const std::vector<BarRow>& rows, double limit) {
  constexpr double kWidth = 290;
  constexpr double kValue = 40;  // what values take at the right
  double highest = 1;
  for (const BarRow& row : rows) highest = std::max(highest, std::min(row.value, limit));
  const double scale = (kWidth - kLabel - kValue) / highest;
  const double height = kRow * static_cast<double>(rows.size());
  std::string inside;
  double y = 0;
  for (const BarRow& row : rows) {
    inside += bar_of(row, y, scale, limit);
    y += kRow;
  }
  inside += line_at(kLabel + scale, 0, kLabel + scale, height, "one");
  return framed(title, kWidth, height, inside);
}

std::string draw_lines(const std::string& title, const std::vector<Line>& lines, const Axis& x, const Axis& y) {
  constexpr double kWidth = 760;
  constexpr double kHeight = 300;
  constexpr double kLeft = 56;
  constexpr double kBottom = 34;
  Extent across;
  Extent up;
  if (!y.is_logarithmic) up.take(0);
  for (const Line& line : lines) {
    for (const auto& [at, value] : line.points) {
      across.take(at);
      up.take(value);
    }
  }
  const Scale x_scale(across.low, across.high, x.is_logarithmic);
  const Scale y_scale(up.low, up.high, y.is_logarithmic);
  const auto x_of = [&](double value) { return kLeft + x_scale.at(value) * (kWidth - kLeft - 12); };
  const auto y_of = [&](double value) { return 24 + (1 - y_scale.at(value)) * (kHeight - kBottom - 34); };
  std::ostringstream inside;
  for (const double tick : ticks(up.low, up.high, y.is_logarithmic)) {
    inside << line_at(kLeft, y_of(tick), kWidth - 12, y_of(tick), "grid")
           << text_at(kLeft - 6, y_of(tick) + 4, "end", short_number(tick));
  }
  for (const double tick : ticks(across.low, across.high, x.is_logarithmic)) {
    inside << text_at(x_of(tick), kHeight - kBottom + 8, "middle", short_number(tick));
  }
  inside << text_at(kWidth - 12, kHeight - 6, "end", x.label, "axis") << text_at(0, 10, "start", y.label, "axis");
  for (const Line& line : lines) {
    inside << "<polyline class=\"stroke " << line.colour << "\" points=\"";
    for (const auto& [at, value] : line.points) inside << plain(x_of(at), 1) << ',' << plain(y_of(value), 1) << ' ';
    inside << "\"><title>" << escaped(line.label) << "</title></polyline>";
  }
  return framed(title, kWidth, kHeight, inside.str());
}

std::string draw_dots(const std::string& title, const std::vector<DotRow>& rows, const std::string& unit) {
  constexpr double kWidth = 560;
  Extent across;
  for (const DotRow& row : rows) {
    for (const auto& [what, value] : row.dots) across.take(std::max(value, 1.0));
  }
  const double low = std::pow(10, std::floor(std::log10(across.low)));
  const Scale scale(low, across.high, true);
  const auto x_of = [&](double value) { return kLabel + 8 + scale.at(std::max(value, low)) * (kWidth - kLabel - 30); };
  const double height = kRow * static_cast<double>(rows.size());
  std::ostringstream inside;
  for (const double tick : ticks(low, across.high, true)) {
    inside << line_at(x_of(tick), 0, x_of(tick), height, "grid")
           << text_at(x_of(tick), height + 14, "middle", short_number(tick));
  }
  double y = kRow / 2;
  for (const DotRow& row : rows) {
    if (row.dots.empty()) continue;
    inside << text_at(kLabel - 6, y + 4, "end", row.label)
           << line_at(x_of(row.dots.front().second), y, x_of(row.dots.back().second), y, "span");
    double radius = 6;
    for (const auto& [what, value] : row.dots) {
      inside << "<circle cx=\"" << plain(x_of(value)) << "\" cy=\"" << plain(y) << "\" r=\"" << plain(radius, 1)
             << "\" class=\"fill " << row.colour << "\"><title>"
             << escaped(row.label + ", " + what + ": " + plain(value, 0) + " " + unit) << "</title></circle>";
      radius -= 1;
    }
    y += kRow;
  }
  inside << text_at(kWidth, height + 28, "end", unit, "axis");
  return framed(title, kWidth, height + 32, inside.str());
}

}  // namespace trestle::tool
