using System.Net.Sockets;

namespace Sluice.Celery;

/// <summary>The connection to a worker that has said a valid secret.</summary>
internal sealed class WorkerConnection(Socket socket, Stream stream, WorkerHello hello) : IDisposable
{
    public Stream Stream => stream;

    public WorkerHello Hello => hello;

    /// <summary>Closes the connection; both loops over it end. Any thread, any number of times.</summary>
    public void Dispose()
    {
        try
        {
            socket.Shutdown(SocketShutdown.Both);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The worker was faster.
        }
        stream.Dispose();
        socket.Dispose();
    }
}
