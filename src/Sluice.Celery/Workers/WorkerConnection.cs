using System.Net.Security;
using System.Net.Sockets;

namespace Sluice.Celery;

/// <summary>The connection to a worker that has said a valid secret.</summary>
internal sealed class WorkerConnection(Socket socket, Stream stream, WorkerHello hello) : IDisposable
{
    public Stream Stream => stream;

    public WorkerHello Hello => hello;

    /// <summary>When the worker connected: Celery's time limits have run since about then.</summary>
    public long ConnectedAt { get; } = TimeProvider.System.GetTimestamp();

    /// <summary>Whether the worker has closed the connection, or is gone. Ask before the call begins: until then the worker says
    /// nothing. Over TLS it says goodbye before it closes.</summary>
    public bool IsClosed
    {
        get
        {
            try
            {
                return socket.Poll(0, SelectMode.SelectRead) && (stream is SslStream || socket.Available == 0);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                return true;
            }
        }
    }

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
