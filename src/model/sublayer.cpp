#include "model/sublayer.hpp"

#include "causalfm/model/error.hpp"
#include "model/attention.hpp"
#include "model/convolution_module.hpp"
#include "model/feed_forward.hpp"
#include "model/lstm.hpp"

namespace causalfm::model {

std::string name_of(config::Sublayer kind) {
  switch (kind) {
    case config::Sublayer::attention:
      return "attention";
    case config::Sublayer::lstm:
      return "lstm";
    case config::Sublayer::convolution:
      return "convolution";
    case config::Sublayer::feed_forward:
      return "feed_forward";
  }
  throw ModelError("model.block names a sublayer that does not exist");
}

std::unique_ptr<Sublayer> make_sublayer(config::Sublayer kind, const Scope& scope, const config::Model& settings) {
  switch (kind) {
    case config::Sublayer::attention:
      return std::make_unique<Attention>(scope, settings.width, settings.heads);
    case config::Sublayer::lstm:
      return std::make_unique<Lstm>(scope, settings.width);
    case config::Sublayer::convolution:
      return std::make_unique<ConvolutionModule>(scope, settings.width, settings.kernel);
    case config::Sublayer::feed_forward:
      return std::make_unique<FeedForward>(scope, settings.width, settings.feed_forward);
  }
  throw ModelError("model.block names a sublayer that does not exist");
}

}  // namespace causalfm::model
