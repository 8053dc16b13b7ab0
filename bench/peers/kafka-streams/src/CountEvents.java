import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import com.sun.management.OperatingSystemMXBean;
import hub.journal.v1.Journal.JournalEvent;
import hub.stream.v1.Stream.Batch;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StoreQueryParameters;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.QueryableStoreTypes;

/** Counts journal events by business day, type and channel: repartition, then count in RocksDB. Prints one JSON line. */
public final class CountEvents {
  private static final byte[] ONE = {1};
  private static final String COUNTS = "counts";
  private static final OperatingSystemMXBean PROCESS =
      (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

  private final Map<String, String> told;
  private final long events;
  private final long warm;
  private final AtomicLong counted = new AtomicLong();
  private final CountDownLatch done = new CountDownLatch(1);
  private volatile double firstSeconds;
  private volatile long firstCpuNanos;
  private volatile Throwable failure;

  private CountEvents(Map<String, String> told) {
    this.told = told;
    this.events = Long.parseLong(told.get("events"));
    this.warm = Long.parseLong(told.get("warm"));
  }

  public static void main(String[] arguments) throws Exception {
    Map<String, String> told = new HashMap<>();
    for (int i = 0; i < arguments.length; i += 2) {
      told.put(arguments[i].substring(2), arguments[i + 1]);
    }
    new CountEvents(told).run();
  }

  private void run() throws Exception {
    KafkaStreams streams = new KafkaStreams(topology().build(), settings());
    streams.setUncaughtExceptionHandler(
        error -> {
          failure = error;
          done.countDown();
          return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
    streams.start();
    done.await();
    if (failure != null) {
      throw new IllegalStateException("a stream thread ended", failure);
    }
    long held = sum(streams);
    // A close commits: caches flushed to RocksDB and changelog, offsets committed, as in every interval before.
    streams.close(Duration.ofSeconds(60));
    double cpu = (PROCESS.getProcessCpuTime() - firstCpuNanos) / 1e9;
    System.out.printf(
        "{\"first_s\": %.6f, \"end_s\": %.6f, \"cpu_s\": %.6f, \"events\": %d, \"counted\": %d, \"measured\": %d}%n",
        firstSeconds, now(), cpu, counted.get(), held, counted.get() - warm);
  }

  private StreamsBuilder topology() {
    StreamsBuilder builder = new StreamsBuilder();
    KStream<byte[], byte[]> read =
        builder.stream(told.get("topic"), Consumed.with(Serdes.ByteArray(), Serdes.ByteArray()));
    KStream<String, byte[]> keyed =
        told.get("form").equals("batch") ? read.flatMap((key, value) -> unpack(value)) : read.map((key, value) -> one(value));
    Materialized<String, Long, KeyValueStore<Bytes, byte[]>> state =
        Materialized.<String, Long, KeyValueStore<Bytes, byte[]>>as(COUNTS)
            .withKeySerde(Serdes.String())
            .withValueSerde(Serdes.Long());
    keyed
        .groupByKey(Grouped.with(Serdes.String(), Serdes.ByteArray()))
        // As `count` does it; it also tells when all are counted.
        .aggregate(() -> 0L, (key, value, now) -> added(now), told.get("changelog").equals("on") ? state : state.withLoggingDisabled());
    return builder;
  }

  private Properties settings() {
    Properties settings = new Properties();
    settings.put(StreamsConfig.APPLICATION_ID_CONFIG, told.get("name"));
    settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, told.get("bootstrap"));
    settings.put(StreamsConfig.STATE_DIR_CONFIG, told.get("folder") + "/kafka-streams");
    settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, told.get("threads"));
    settings.put(StreamsConfig.consumerPrefix("auto.offset.reset"), "earliest");
    return settings;
  }

  private Iterable<KeyValue<String, byte[]>> unpack(byte[] value) {
    try {
      Batch batch = Batch.parseFrom(value);
      List<KeyValue<String, byte[]>> found = new ArrayList<>(batch.getRecordsCount());
      for (ByteString record : batch.getRecordsList()) {
        found.add(KeyValue.pair(keyOf(JournalEvent.parseFrom(record)), ONE));
      }
      return found;
    } catch (InvalidProtocolBufferException error) {
      throw new IllegalStateException(error);
    }
  }

  private KeyValue<String, byte[]> one(byte[] value) {
    try {
      return KeyValue.pair(keyOf(JournalEvent.parseFrom(value)), ONE);
    } catch (InvalidProtocolBufferException error) {
      throw new IllegalStateException(error);
    }
  }

  private static String keyOf(JournalEvent event) {
    return event.getBusinessDay() + "|" + event.getType() + "|" + event.getDimensions().getChannel();
  }

  private Long added(Long now) {
    long seen = counted.incrementAndGet();
    // The clock starts once the compiler has had its time: what comes before is not measured.
    if (seen == warm) {
      firstCpuNanos = PROCESS.getProcessCpuTime();
      firstSeconds = now();
    }
    if (seen == events) {
      done.countDown();
    }
    return now + 1;
  }

  private static long sum(KafkaStreams streams) {
    var store = streams.store(StoreQueryParameters.fromNameAndType(COUNTS, QueryableStoreTypes.<String, Long>keyValueStore()));
    long total = 0;
    try (KeyValueIterator<String, Long> rows = store.all()) {
      while (rows.hasNext()) {
        total += rows.next().value;
      }
    }
    return total;
  }

  private static double now() {
    return System.currentTimeMillis() / 1000.0;
  }
}
