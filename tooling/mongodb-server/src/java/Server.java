import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.memory.MemoryBackend;
import java.io.IOException;
import java.util.List;

/** A server in memory that says where it listens, and ends when its standard input does. */
public final class Server {
  /** Drivers want wire version 9 at least, and the backend's own versions end at 7. */
  private static final class Version44 implements MongoVersion {
    @Override
    public List<Integer> getVersionArray() {
      return List.of(4, 4, 0);
    }

    @Override
    public int getWireVersion() {
      return 9;
    }
  }

  public static void main(String[] arguments) throws IOException {
    MongoServer server = new MongoServer(new MemoryBackend().version(new Version44()));
    server.bind("127.0.0.1", 0);
    System.out.println("mongodb://127.0.0.1:" + server.getLocalAddress().getPort());
    while (System.in.read() != -1) {}
    Runtime.getRuntime().halt(0);
  }
}
