#include "causalfm/evaluation/embed.hpp"

#include "causalfm/storage/atomic_file.hpp"
#include "embeddings.hpp"
#include "encode.hpp"
#include "trained_model.hpp"

#include <spdlog/spdlog.h>

#include <chrono>

namespace causalfm::evaluation {

void embed(const EmbedRequest& request, const Host& host) {
  const TrainedModel trained = load_trained_model(request.run, request.checkpoint, host);
  const auto source = data::open_shards(request.data);
  const bool speaks = host.communicator.rank() == 0;
  if (speaks) {
    host.log.info("{} at step {}: encoding {} curves of {}", trained.name, trained.step, source->rows(),
                  request.data.string());
    if (source->description().identity != trained.data_identity) {
      host.log.warn("{} is not the data set that {} was trained on: no curve belongs to a split of it (split is 3)",
                    request.data.string(), trained.name);
    }
  }
  const auto start = std::chrono::steady_clock::now();
  const Latents latents = encode_rows(trained.model, *source, all_rows(*source), trained.name, host);
  if (!speaks) return;
  storage::replace_file(host.file_system, request.out,
                        embeddings_bytes(trained, *source, latents, request.out.string()));
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  host.log.info("{} curves in {:.1f} s ({:.0f} curves/s), written to {}", source->rows(), seconds,
                static_cast<double>(source->rows()) / seconds, request.out.string());
}

}  // namespace causalfm::evaluation
