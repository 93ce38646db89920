// The judging loop of anlan/engines/sense/judge.py as a job of Apache Flink, on the wire of bench/peers/wire.py.
//
// Readings come in frames from one port, are keyed by sensor and judged one by one; events go as lines to another port.
// With a folder to keep things in, every reading is also written to files there, and the state is checkpointed beside them.
// Arguments: port of frames, port of lines, file of limits, folder or "-", seconds between checkpoints.

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.FileInputStream;
import java.io.OutputStream;
import java.io.Serializable;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.serialization.Encoder;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple3;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.file.sink.FileSink;
import org.apache.flink.core.fs.Path;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.streaming.api.functions.sink.filesystem.rollingpolicies.OnCheckpointRollingPolicy;
import org.apache.flink.streaming.api.functions.sink.legacy.RichSinkFunction;
import org.apache.flink.streaming.api.functions.source.legacy.SourceFunction;
import org.apache.flink.util.Collector;

public class FlinkRules {
  static final int LEVELS = 4;
  static final long NONE = -1;
  static final int LEVEL = 0, UNMOVED = 2, QUALITY = 3, RATE = 4, LATE = 7;
  static final int STUCK = 2, BAD = 4, FAST = 8;
  static final int READING = 20;

  public static void main(String[] given) throws Exception {
    boolean keeps = !given[3].equals("-");
    Configuration how = new Configuration();
    how.setString("execution.buffer-timeout.interval", "5 ms");
    if (keeps) {
      how.setString("execution.checkpointing.dir", "file://" + given[3] + "/checkpoints");
      how.setString("execution.checkpointing.interval", given[4] + " s");
    }
    StreamExecutionEnvironment flow = StreamExecutionEnvironment.createLocalEnvironment(1, how);
    flow.getConfig().enableObjectReuse();
    DataStream<Tuple3<Integer, Long, Double>> readings =
        flow.addSource(new Frames(Integer.parseInt(given[0]))).returns(Types.TUPLE(Types.INT, Types.LONG, Types.DOUBLE));
    if (keeps) {
      readings.sinkTo(
          FileSink.forRowFormat(new Path("file://" + given[3] + "/readings"), new Packed())
              .withRollingPolicy(OnCheckpointRollingPolicy.build())
              .build());
    }
    readings.keyBy(r -> r.f0, Types.INT).process(new Judge(Limits.read(given[2]))).returns(Types.STRING)
        .addSink(new Lines(Integer.parseInt(given[1])));
    flow.execute("rules");
  }

  /** The profiles, and which of them each sensor has. */
  static class Limits implements Serializable {
    Profile[] profiles;
    int[] of;

    static Limits read(String path) throws Exception {
      try (DataInputStream in = new DataInputStream(new BufferedInputStream(new FileInputStream(path)))) {
        Limits limits = new Limits();
        limits.profiles = new Profile[in.readInt()];
        limits.of = new int[in.readInt()];
        for (int n = 0; n < limits.profiles.length; n++) limits.profiles[n] = new Profile(in);
        for (int n = 0; n < limits.of.length; n++) limits.of[n] = in.readInt();
        return limits;
      }
    }
  }

  /** As PROFILE of anlan/engines/sense/layout.py, in the order of bench/peers/wire.py. */
  static class Profile implements Serializable {
    final double low, high, rate, rateHold, stuck, stuckBand, bad;
    final double[] up, upClear, down, downClear, holdUp, holdUpBelow, holdDown, holdDownBelow;

    Profile(DataInputStream in) throws Exception {
      low = in.readDouble();
      high = in.readDouble();
      up = levels(in);
      upClear = levels(in);
      down = levels(in);
      downClear = levels(in);
      holdUp = levels(in);
      holdUpBelow = levels(in);
      holdDown = levels(in);
      holdDownBelow = levels(in);
      rate = in.readDouble();
      rateHold = in.readDouble();
      stuck = in.readDouble();
      stuckBand = in.readDouble();
      bad = in.readDouble();
    }

    static double[] levels(DataInputStream in) throws Exception {
      double[] found = new double[LEVELS];
      for (int k = 0; k < LEVELS; k++) found[k] = in.readDouble();
      return found;
    }

    int raw(double v, int level) {
      int raw = 0;
      for (int k = 0; k < LEVELS; k++) if (v >= up[k] || (level > k && v >= upClear[k])) raw = k + 1;
      if (raw != 0) return raw;
      for (int k = 0; k < LEVELS; k++) if (v <= down[k] || (-level > k && v <= downClear[k])) raw = -(k + 1);
      return raw;
    }
  }

  /** What is kept of a sensor. */
  public static class Channel {
    public long at = NONE, stillAt = NONE, fastAt = NONE;
    public double value, still;
    public int level, marks, bad;
    public long[] since = {NONE, NONE, NONE, NONE};
  }

  static class Judge extends KeyedProcessFunction<Integer, Tuple3<Integer, Long, Double>, String> {
    final Limits limits;
    transient ValueState<Channel> kept;

    Judge(Limits limits) {
      this.limits = limits;
    }

    @Override
    public void open(OpenContext context) {
      kept = getRuntimeContext().getState(new ValueStateDescriptor<>("channel", Types.POJO(Channel.class)));
    }

    @Override
    public void processElement(Tuple3<Integer, Long, Double> reading, Context context, Collector<String> out) throws Exception {
      Channel s = kept.value();
      if (s == null) s = new Channel();
      judge(reading.f0, reading.f1, reading.f2, s, limits.profiles[limits.of[reading.f0]], out);
      kept.update(s);
    }

    static void judge(int i, long t, double v, Channel s, Profile p, Collector<String> out) {
      boolean wrong = v - v != 0.0 || v < p.low || v > p.high;
      quality(i, t, s, wrong, p, out);
      if (wrong) return;
      if (t <= s.at) {
        int late = p.raw(v, 0);
        if (late != 0 && t < s.at) tell(out, i, LATE, 0, late, t);
        return;
      }
      boolean fast = s.at != NONE && Math.abs(v - s.value) * 1000.0 >= p.rate * (t - s.at);
      if (fast) s.fastAt = t;
      mark(i, t, s, FAST, RATE, fast, !fast && t - s.fastAt >= p.rateHold, out);
      boolean moved = s.stillAt == NONE || Math.abs(v - s.still) > p.stuckBand;
      if (moved) {
        s.stillAt = t;
        s.still = v;
      }
      mark(i, t, s, STUCK, UNMOVED, !moved && p.stuck != 0 && t - s.stillAt >= p.stuck, moved, out);
      s.at = t;
      s.value = v;
      int settled = settled(p.raw(v, s.level), s.level, t, s.since, p);
      if (settled != s.level) tell(out, i, LEVEL, s.level, settled, t);
      s.level = settled;
    }

    static void quality(int i, long t, Channel s, boolean wrong, Profile p, Collector<String> out) {
      s.bad = wrong ? Math.min(s.bad + 1, 255) : 0;
      mark(i, t, s, BAD, QUALITY, wrong && p.bad != 0 && s.bad >= p.bad, !wrong, out);
    }

    static void mark(int i, long t, Channel s, int bit, int kind, boolean begins, boolean ends, Collector<String> out) {
      boolean on = (s.marks & bit) != 0;
      if (on ? !ends : !begins) return;
      s.marks ^= bit;
      tell(out, i, kind, on ? 1 : 0, on ? 0 : 1, t);
    }

    static int settled(int raw, int level, long t, long[] since, Profile p) {
      if (raw == 0 && level == 0) {
        Arrays.fill(since, NONE);
        return 0;
      }
      if (raw * level < 0) {
        Arrays.fill(since, NONE);
        level = 0;
      }
      int side = raw < 0 || level < 0 ? -1 : 1, reached = raw * side, now = level * side;
      int low = Math.min(reached, now), high = Math.max(reached, now);
      for (int k = 0; k < LEVELS; k++) {
        if (k < low || k >= high) since[k] = NONE;
        else if (since[k] == NONE) since[k] = t;
      }
      if (reached > now) {
        double[] hold = side > 0 ? p.holdUp : p.holdUpBelow;
        for (int k = low; k < high; k++) if (t - since[k] >= hold[k]) now = k + 1;
      } else {
        double[] hold = side > 0 ? p.holdDown : p.holdDownBelow;
        while (now > reached && t - since[now - 1] >= hold[now - 1]) now--;
      }
      for (int k = 0; k < LEVELS; k++) if (k < Math.min(reached, now) || k >= Math.max(reached, now)) since[k] = NONE;
      return now * side;
    }

    static void tell(Collector<String> out, int i, int kind, int was, int now, long t) {
      out.collect(i + " " + kind + " " + was + " " + now + " " + t + "\n");
    }
  }

  /** int32 n, then int32 sensor[n], int64 ms[n], float64 value[n], little endian; n = 0 ends it. */
  static class Frames implements SourceFunction<Tuple3<Integer, Long, Double>> {
    final int port;
    volatile boolean open = true;

    Frames(int port) {
      this.port = port;
    }

    @Override
    public void run(SourceContext<Tuple3<Integer, Long, Double>> out) throws Exception {
      try (Socket line = new Socket("127.0.0.1", port)) {
        DataInputStream in = new DataInputStream(new BufferedInputStream(line.getInputStream(), 1 << 20));
        byte[] body = new byte[0];
        while (open) {
          int n = Integer.reverseBytes(in.readInt());
          if (n == 0) return;
          if (body.length < n * READING) body = new byte[n * READING];
          in.readFully(body, 0, n * READING);
          ByteBuffer b = ByteBuffer.wrap(body).order(ByteOrder.LITTLE_ENDIAN);
          synchronized (out.getCheckpointLock()) {
            for (int j = 0; j < n; j++) {
              out.collect(Tuple3.of(b.getInt(4 * j), b.getLong(4 * n + 8 * j), b.getDouble(12 * n + 8 * j)));
            }
          }
        }
      }
    }

    @Override
    public void cancel() {
      open = false;
    }
  }

  /** A reading as it is kept: twenty bytes, no text. */
  static class Packed implements Encoder<Tuple3<Integer, Long, Double>> {
    transient ByteBuffer room;

    @Override
    public void encode(Tuple3<Integer, Long, Double> r, OutputStream out) throws java.io.IOException {
      if (room == null) room = ByteBuffer.allocate(READING).order(ByteOrder.LITTLE_ENDIAN);
      room.clear();
      room.putInt(r.f0).putLong(r.f1).putDouble(r.f2);
      out.write(room.array());
    }
  }

  static class Lines extends RichSinkFunction<String> {
    final int port;
    transient Socket line;

    Lines(int port) {
      this.port = port;
    }

    @Override
    public void open(OpenContext context) throws Exception {
      line = new Socket("127.0.0.1", port);
      line.setTcpNoDelay(true);
    }

    @Override
    public void invoke(String told, Context context) throws Exception {
      line.getOutputStream().write(told.getBytes(StandardCharsets.US_ASCII));
    }

    @Override
    public void close() throws Exception {
      if (line != null) line.close();
    }
  }
}
