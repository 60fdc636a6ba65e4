using System.Net.Sockets;

namespace Sluice.ChildProcesses;

/// <summary>The parent's end of the connection to a child process, with the process.</summary>
/// <remarks>One loop receives. <see cref="Close"/> and the process are thread-safe.</remarks>
internal sealed class ChildConnection(ChildProcess process, ChildArrival arrival) : IDisposable
{
    public ChildProcess Process => process;

    public Socket Socket => arrival.Socket;

    public FrameReader Reader => arrival.Reader;

    /// <summary>The types of the child's work.</summary>
    public Hello Hello => arrival.Hello;

    /// <summary>
    /// Receives until the child closes the connection or is gone, or is no longer needed. Kills a child that sends an invalid frame.
    /// </summary>
    /// <param name="takeAll">Takes the frames that have arrived; returns whether to go on.</param>
    /// <param name="life">Cancelled when the child is no longer needed.</param>
    /// <returns>Why the child was killed, as a sentence; null if it was not.</returns>
    public async Task<string?> ReceiveAsync(Func<bool> takeAll, CancellationToken life)
    {
        try
        {
            while (takeAll() && await Reader.ReceiveAsync(life))
            {
                // takeAll has the frames next
            }
        }
        catch (InvalidDataException e)
        {
            process.Kill();
            return $"It was killed, because it sent what it should not: {e.Message}";
        }
        catch (Exception)
        {
            // The child is gone, or no longer needed.
        }
        return null;
    }

    /// <summary>Closes the connection; the child notices, and ends by itself.</summary>
    public void Close() => Socket.Dispose();

    /// <summary>Call it when no loop receives any more and the process has ended.</summary>
    public void Dispose()
    {
        arrival.Dispose();
        process.Dispose();
    }
}
