package dev.headstart.teach;

import dev.headstart.error.BadInputException;
import dev.headstart.error.FailureException;
import dev.headstart.preprocess.Thumbnail;
import dev.headstart.sample.Modality;
import java.nio.file.Path;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Thumbnails of samples, made where there is none yet. */
record Thumbnails(SampleStore store) {
  private static final Logger LOG = LoggerFactory.getLogger(Thumbnails.class);

  /**
   * A JPEG of a picture.
   *
   * @return nothing for what is no picture, not kept, or cannot be read
   */
  Optional<Path> of(HeadSettings settings, StoredSample sample) {
    Optional<Path> there = store.thumbnail(sample);
    if (there.isPresent() || settings.modality() != Modality.IMAGE || !sample.kept()) {
      return there;
    }
    try {
      byte[] jpeg = Thumbnail.of(store.open(settings.head(), sample).bytes());
      store.thumbnail(settings.head(), sample, jpeg);
    } catch (BadInputException | FailureException e) {
      LOG.debug("no thumbnail of {}: {}", sample.name(), e.getMessage());
    }
    return store.thumbnail(sample);
  }
}
